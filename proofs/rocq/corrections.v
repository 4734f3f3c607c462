(* Corrected statements, and statements of our own, for matrices of any size m x n over the reals. *)
Require Import Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
From Rankkit Require Import sine.
From Rankkit Require Import matrices.
From Rankkit Require Import functions.
Local Open Scope R_scope.

(* sigma_2(sin(omega u v^T)) <= || |omega u v^T|^(o 3) || / 6: the bound holds for every x with v . x = 0, and sigma_2 is
   at most the largest stretch on a hyperplane (Courant and Fischer) *)
Theorem remark2_corrected m n (u v : nat -> R) w x : total n (fun j => v j * x j) = 0 ->
  length2 m n (fun i j => sin (w * (u i * v j))) x <=
  length2 m n (fun i j => Rabs (w * (u i * v j)) ^ 3 / 6) (fun j => Rabs (x j)).
Proof.
intros H.
replace (length2 m n (fun i j => sin (w * (u i * v j))) x)
  with (length2 m n (fun i j => sin (w * (u i * v j)) - w * (u i * v j)) x).
- apply (taylor_operator m n (fun i j => u i * v j) w x).
- unfold length2. apply total_ext; intros i Hi. f_equal.
  rewrite (total_ext n (fun j => (sin (w * (u i * v j)) - w * (u i * v j)) * x j)
    (fun j => sin (w * (u i * v j)) * x j + (- (w * u i)) * (v j * x j))) by (intros; ring).
  rewrite total_plus, total_scale, H. ring.
Qed.

Lemma pi_below : PI / 3 <= 12 / 10.
Proof.
destruct (PI_ineq 2) as [_ H]. unfold tg_alt, PI_tg in H. simpl in H. lra.
Qed.
Lemma th_odd x : th (- x) = - th x.
Proof.
unfold th. replace (2 * - x) with (- (2 * x)) by ring. rewrite exp_Ropp.
pose proof (exp_pos (2 * x)). field. split; lra.
Qed.
Lemma th_le_1 x : th x <= 1.
Proof.
unfold th. pose proof (exp_pos (2 * x)).
assert (0 < 2 / (exp (2 * x) + 1)) by (apply Rdiv_lt_0_compat; lra). lra.
Qed.
Lemma th_abs x : Rabs (th x) = th (Rabs x).
Proof.
unfold Rabs at 2. destruct (Rcase_abs x).
- rewrite th_odd. pose proof (th_between (- x) ltac:(lra)) as B. rewrite th_odd in B. apply Rabs_left1. lra.
- pose proof (th_between x ltac:(lra)) as B. apply Rabs_pos_eq. lra.
Qed.

(* lemma 1 for tanh: ||tanh(omega A)||_F^2 >= omega^2 A_min^2 / 4 up to omega A_min = pi / 3 *)
Theorem tanh_lemma1 m n (A : nat -> nat -> R) w k l : (k < m)%nat -> (l < n)%nat ->
  0 <= w -> w * Rabs (A k l) <= PI / 3 ->
  (w * Rabs (A k l)) ^ 2 / 4 <= entries m n (fun i j => th (w * A i j) ^ 2).
Proof.
intros Hk Hl Hw H.
eapply Rle_trans; [|exact (entries_one m n (fun i j => th (w * A i j) ^ 2) k l Hk Hl (fun i j => pow2_ge_0 _))].
rewrite <- (pow2_abs (th (w * A k l))), th_abs, Rabs_mult, (Rabs_pos_eq w) by auto.
pose proof pi_below. set (t := w * Rabs (A k l)) in *.
assert (Ht : 0 <= t) by (apply Rmult_le_pos; [auto|apply Rabs_pos]).
destruct (tanh_cubic t Ht) as [C _].
assert (t ^ 2 <= 3 / 2). { replace (3 / 2) with ((12 / 10) ^ 2 + 6 / 100) by field.
  assert (t ^ 2 <= (12 / 10) ^ 2) by (apply pow_incr; lra). lra. }
assert (t ^ 3 / 3 <= t / 2). { replace (t ^ 3) with (t ^ 2 * t) by ring.
  assert (t ^ 2 * t <= 3 / 2 * t) by (apply Rmult_le_compat_r; auto). lra. }
replace (t ^ 2 / 4) with ((t / 2) ^ 2) by field. apply pow_incr. lra.
Qed.

(* |tanh t| <= sqrt |t| *)
Lemma th_sqrt t : Rabs (th t) <= sqrt (Rabs t).
Proof.
rewrite th_abs. set (x := Rabs t). assert (Hx : 0 <= x) by apply Rabs_pos.
destruct (th_between x Hx) as [L U]. pose proof (th_le_1 x).
rewrite <- (sqrt_pow2 (th x)) by auto. apply sqrt_le_1_alt.
apply Rle_trans with (th x * 1); [|lra].
replace (th x ^ 2) with (th x * th x) by ring. apply Rmult_le_compat_l; lra.
Qed.

(* lemma 2 for tanh: ||tanh(omega A)||^2 <= omega || sqrt|A| ||^2 in the operator norm *)
Theorem tanh_lemma2 m n (A : nat -> nat -> R) w x : 0 <= w ->
  length2 m n (fun i j => th (w * A i j)) x <=
  w * length2 m n (fun i j => sqrt (Rabs (A i j))) (fun j => Rabs (x j)).
Proof.
intros Hw.
apply Rle_trans with (sqrt w ^ 2 * length2 m n (fun i j => sqrt (Rabs (A i j))) (fun j => Rabs (x j))).
2: rewrite pow2_sqrt by auto; lra.
rewrite <- scaled. apply domination; intros. rewrite <- sqrt_mult_alt by auto.
replace (w * Rabs (A i j)) with (Rabs (w * A i j)) by (rewrite Rabs_mult, (Rabs_pos_eq w); auto). apply th_sqrt.
Qed.

(* both lemmas for tanh together *)
Theorem tanh_lemmas m n (A : nat -> nat -> R) w k l x : (k < m)%nat -> (l < n)%nat ->
  0 <= w -> w * Rabs (A k l) <= PI / 3 ->
  (w * Rabs (A k l)) ^ 2 / 4 <= entries m n (fun i j => th (w * A i j) ^ 2) /\
  length2 m n (fun i j => th (w * A i j)) x <=
  w * length2 m n (fun i j => sqrt (Rabs (A i j))) (fun j => Rabs (x j)).
Proof. intros; split; [apply tanh_lemma1|apply tanh_lemma2]; auto. Qed.

(* of finitely many numbers that are not all zero, one is the least in size among those that are not *)
Lemma least_of N (f : nat -> R) : (exists p, (p < N)%nat /\ f p <> 0) ->
  exists q, (q < N)%nat /\ f q <> 0 /\ forall p, (p < N)%nat -> f p <> 0 -> Rabs (f q) <= Rabs (f p).
Proof.
induction N as [|N IH]; intros [p [Hp H]]; [lia|].
destruct (Req_dec (f N) 0) as [Z|Z].
- destruct IH as [q [Hq [Q L]]].
  + exists p. split; auto. destruct (Nat.eq_dec p N) as [E|E]; [subst; contradiction|lia].
  + exists q. split; [lia|split; auto]. intros i Hi Hf.
    destruct (Nat.eq_dec i N) as [E|E]; [subst; contradiction|apply L; auto; lia].
- destruct (Nat.eq_dec p N) as [E|E].
  + destruct (Req_dec (total N (fun i => Rabs (f i))) 0) as [T|T].
    * exists N. split; [lia|split; auto]. intros i Hi Hf.
      destruct (Nat.eq_dec i N) as [->|D]; [lra|]. exfalso. apply Hf.
      assert (Rabs (f i) <= 0).
      { rewrite <- T. apply (total_one N (fun i => Rabs (f i))); [lia|intros; apply Rabs_pos]. }
      destruct (Req_dec (f i) 0); auto. pose proof (Rabs_pos_lt (f i)). lra.
    * destruct IH as [q [Hq [Q L]]].
      { apply Classical_Pred_Type.not_all_not_ex. intros No. apply T.
        rewrite (total_ext N _ (fun _ => 0)); [rewrite total_const; ring|].
        intros i Hi. destruct (Req_dec (f i) 0) as [->|D]; [apply Rabs_R0|]. exfalso. apply (No i). auto. }
      destruct (Rle_or_lt (Rabs (f q)) (Rabs (f N))) as [C|C].
      -- exists q. split; [lia|split; auto]. intros i Hi Hf.
         destruct (Nat.eq_dec i N) as [->|D]; [auto|apply L; auto; lia].
      -- exists N. split; [lia|split; auto]. intros i Hi Hf.
         destruct (Nat.eq_dec i N) as [->|D]; [lra|]. assert (Rabs (f q) <= Rabs (f i)) by (apply L; auto; lia). lra.
  + destruct IH as [q [Hq [Q L]]]; [exists p; split; auto; lia|].
    destruct (Rle_or_lt (Rabs (f q)) (Rabs (f N))) as [C|C].
    * exists q. split; [lia|split; auto]. intros i Hi Hf.
      destruct (Nat.eq_dec i N) as [->|D]; [auto|apply L; auto; lia].
    * exists N. split; [lia|split; auto]. intros i Hi Hf.
      destruct (Nat.eq_dec i N) as [->|D]; [lra|]. assert (Rabs (f q) <= Rabs (f i)) by (apply L; auto; lia). lra.
Qed.

(* A_min exists and is positive for every matrix that is not zero *)
Theorem least_entry m n (A : nat -> nat -> R) : (exists i j, (i < m)%nat /\ (j < n)%nat /\ A i j <> 0) ->
  exists k l, (k < m)%nat /\ (l < n)%nat /\ 0 < Rabs (A k l) /\
  forall i j, (i < m)%nat -> (j < n)%nat -> A i j <> 0 -> Rabs (A k l) <= Rabs (A i j).
Proof.
intros [i0 [j0 [Hi [Hj H]]]].
assert (P : forall i j, (i < m)%nat -> (j < n)%nat ->
  (i * n + j < m * n)%nat /\ ((i * n + j) / n = i)%nat /\ ((i * n + j) mod n = j)%nat).
{ intros i j Hi' Hj'. split; [nia|split].
  - rewrite Nat.div_add_l by lia. rewrite Nat.div_small by auto. lia.
  - rewrite Nat.add_comm, Nat.mod_add by lia. apply Nat.mod_small; auto. }
destruct (least_of (m * n) (fun p => A (p / n)%nat (p mod n)%nat)) as [q [Hq [Q L]]].
- exists (i0 * n + j0)%nat. destruct (P i0 j0 Hi Hj) as [B [D M]]. rewrite D, M. auto.
- exists (q / n)%nat, (q mod n)%nat. split; [apply Nat.div_lt_upper_bound; lia|]. split; [apply Nat.mod_upper_bound; lia|].
  split; [apply Rabs_pos_lt; auto|]. intros i j Hi' Hj' Hij. destruct (P i j Hi' Hj') as [B [D M]].
  specialize (L (i * n + j)%nat B). rewrite D, M in L. apply L. auto.
Qed.

(* the root of the stable rank, a quotient f / s of two norms, moves by at most (f(E) + f(M) / s(M) s(E)) / (s(M) - s(E)) *)
Theorem stable_rank_robust (V : Type) (plus : V -> V -> V) (f s : V -> R) (M E : V) :
  (forall x y, Rabs (f (plus x y) - f x) <= f y) -> (forall x y, Rabs (s (plus x y) - s x) <= s y) ->
  0 <= f M -> s E < s M ->
  Rabs (f (plus M E) / s (plus M E) - f M / s M) * (s M - s E) <= f E + f M / s M * s E.
Proof.
intros Hf Hs F0 Lt. specialize (Hf M E). specialize (Hs M E).
assert (E0 : 0 <= s E) by (eapply Rle_trans; [apply Rabs_pos|exact Hs]).
assert (N : s M - s E <= s (plus M E)).
{ pose proof (Rle_abs (- (s (plus M E) - s M))) as K. rewrite Rabs_Ropp in K. lra. }
set (f1 := f (plus M E)) in *. set (s1 := s (plus M E)) in *. set (f0 := f M) in *. set (s0 := s M) in *.
assert (S0 : 0 < s0) by lra. assert (S1 : 0 < s1) by lra.
assert (Q : 0 <= f0 / s0) by (apply Rmult_le_pos; [auto|apply Rlt_le, Rinv_0_lt_compat; auto]).
replace (f1 / s1 - f0 / s0) with (((f1 - f0) - f0 / s0 * (s1 - s0)) / s1) by (field; lra).
unfold Rdiv at 1. rewrite Rabs_mult, (Rabs_pos_eq (/ s1)) by (apply Rlt_le, Rinv_0_lt_compat; auto).
assert (T : Rabs (f1 - f0 - f0 / s0 * (s1 - s0)) <= f E + f0 / s0 * s E).
{ eapply Rle_trans; [apply Rabs_triang|]. rewrite Rabs_Ropp, Rabs_mult, (Rabs_pos_eq (f0 / s0)) by auto.
  apply Rplus_le_compat; [auto|apply Rmult_le_compat_l; auto]. }
apply Rle_trans with (Rabs (f1 - f0 - f0 / s0 * (s1 - s0)) * 1); [|lra].
rewrite Rmult_assoc. apply Rmult_le_compat_l; [apply Rabs_pos|].
apply Rmult_le_reg_r with s1; auto. replace (/ s1 * (s0 - s E) * s1) with (s0 - s E) by (field; lra). lra.
Qed.

(* the Frobenius norm, with the inequalities of Cauchy and Schwarz and of Minkowski *)
Definition frobenius m n (X : nat -> nat -> R) : R := sqrt (entries m n (fun i j => X i j ^ 2)).
Lemma entries_ge0 m n f : (forall i j, 0 <= f i j) -> 0 <= entries m n f.
Proof. intros H. apply total_ge0; intros; apply total_ge0; intros; apply H. Qed.
Lemma entries_plus m n f g : entries m n (fun i j => f i j + g i j) = entries m n f + entries m n g.
Proof. unfold entries. rewrite <- total_plus. apply total_ext; intros. apply total_plus. Qed.
Lemma inner_le m n (X Y : nat -> nat -> R) :
  entries m n (fun i j => X i j * Y i j) <= frobenius m n X * frobenius m n Y.
Proof.
set (p := fun i => sqrt (total n (fun j => X i j ^ 2))). set (q := fun i => sqrt (total n (fun j => Y i j ^ 2))).
assert (G : forall (Z : nat -> nat -> R) i, 0 <= total n (fun j => Z i j ^ 2)) by (intros Z i; apply total_ge0; intros; apply pow2_ge_0).
apply Rle_trans with (total m (fun i => p i * q i)).
- apply total_le; intros i Hi. unfold p, q. rewrite <- sqrt_mult_alt by auto.
  eapply Rle_trans; [apply Rle_abs|]. rewrite <- sqrt_Rsqr_abs. apply sqrt_le_1_alt. rewrite Rsqr_pow2.
  apply cauchy_schwarz.
- eapply Rle_trans; [apply Rle_abs|]. rewrite <- sqrt_Rsqr_abs. unfold frobenius.
  rewrite <- sqrt_mult_alt by (apply entries_ge0; intros; apply pow2_ge_0).
  apply sqrt_le_1_alt. rewrite Rsqr_pow2. eapply Rle_trans; [apply cauchy_schwarz|]. apply Req_le.
  unfold entries. f_equal; apply total_ext; intros i Hi; unfold p, q; apply pow2_sqrt; auto.
Qed.
Theorem frobenius_triangle m n (X Y : nat -> nat -> R) :
  frobenius m n (fun i j => X i j + Y i j) <= frobenius m n X + frobenius m n Y.
Proof.
assert (G : forall Z : nat -> nat -> R, 0 <= entries m n (fun i j => Z i j ^ 2)) by (intros; apply entries_ge0; intros; apply pow2_ge_0).
pose proof (sqrt_pos (entries m n (fun i j => X i j ^ 2))) as A.
pose proof (sqrt_pos (entries m n (fun i j => Y i j ^ 2))) as B.
rewrite <- (sqrt_pow2 (frobenius m n X + frobenius m n Y)) by (unfold frobenius; lra).
apply sqrt_le_1_alt. pose proof (inner_le m n X Y) as C.
replace (entries m n (fun i j => (X i j + Y i j) ^ 2)) with
  (entries m n (fun i j => X i j ^ 2) + 2 * entries m n (fun i j => X i j * Y i j) + entries m n (fun i j => Y i j ^ 2)).
- replace ((frobenius m n X + frobenius m n Y) ^ 2) with
    (frobenius m n X ^ 2 + 2 * (frobenius m n X * frobenius m n Y) + frobenius m n Y ^ 2) by ring.
  unfold frobenius at 1 4. rewrite !pow2_sqrt by auto. lra.
- rewrite <- entries_scale, <- !entries_plus. apply total_ext; intros; apply total_ext; intros. ring.
Qed.

(* what Sinter reaches: where every Z = B A is at least tau from Y, Z + A Z o sin(omega Z) is at least
   (1 - A) tau - A ||Y|| from it *)
Theorem reach_corrected m n (Z Y : nat -> nat -> R) amplitude w tau : 0 <= amplitude <= 1 ->
  tau <= frobenius m n (fun i j => Z i j - Y i j) ->
  (1 - amplitude) * tau - amplitude * frobenius m n Y <=
  frobenius m n (fun i j => Z i j * (1 + amplitude * sin (w * Z i j)) - Y i j).
Proof.
intros Ha Ht.
set (D := frobenius m n (fun i j => Z i j - Y i j)) in *.
set (S := frobenius m n (fun i j => Z i j * (1 + amplitude * sin (w * Z i j)) - Y i j)).
assert (N : forall X, frobenius m n (fun i j => - X i j) = frobenius m n X).
{ intros X. unfold frobenius. f_equal. apply total_ext; intros; apply total_ext; intros. ring. }
assert (E : forall X X', (forall i j, X i j = X' i j) -> frobenius m n X = frobenius m n X').
{ intros X X' H. unfold frobenius. f_equal. apply total_ext; intros; apply total_ext; intros. rewrite H. ring. }
assert (P : frobenius m n (fun i j => Z i j * (amplitude * sin (w * Z i j))) <= amplitude * frobenius m n Z).
{ unfold frobenius.
  replace (amplitude * sqrt (entries m n (fun i j => Z i j ^ 2)))
    with (sqrt (amplitude ^ 2) * sqrt (entries m n (fun i j => Z i j ^ 2))) by (rewrite sqrt_pow2 by lra; reflexivity).
  rewrite <- sqrt_mult_alt by apply pow2_ge_0.
  apply sqrt_le_1_alt. rewrite <- entries_scale. apply entries_le; intros i j Hi Hj.
  replace ((Z i j * (amplitude * sin (w * Z i j))) ^ 2) with ((amplitude * Z i j) ^ 2 * sin (w * Z i j) ^ 2) by ring.
  replace (amplitude ^ 2 * Z i j ^ 2) with ((amplitude * Z i j) ^ 2 * 1) by ring.
  apply Rmult_le_compat_l; [apply pow2_ge_0|]. pose proof (SIN_bound (w * Z i j)) as B.
  replace (sin (w * Z i j) ^ 2) with (1 - (1 - sin (w * Z i j)) * (1 + sin (w * Z i j))) by ring.
  assert (0 <= (1 - sin (w * Z i j)) * (1 + sin (w * Z i j))) by (apply Rmult_le_pos; lra). lra. }
assert (T1 : D <= S + amplitude * frobenius m n Z).
{ unfold D. rewrite (E _ (fun i j => (Z i j * (1 + amplitude * sin (w * Z i j)) - Y i j)
    + - (Z i j * (amplitude * sin (w * Z i j))))) by (intros; ring).
  eapply Rle_trans; [apply frobenius_triangle|]. rewrite (N (fun i j => Z i j * (amplitude * sin (w * Z i j)))).
  unfold S. lra. }
assert (T2 : frobenius m n Z <= D + frobenius m n Y).
{ rewrite (E Z (fun i j => (Z i j - Y i j) + Y i j)) by (intros; ring). apply frobenius_triangle. }
assert (amplitude * frobenius m n Z <= amplitude * (D + frobenius m n Y)) by (apply Rmult_le_compat_l; lra).
assert ((1 - amplitude) * tau <= (1 - amplitude) * D) by (apply Rmult_le_compat_l; lra). lra.
Qed.
