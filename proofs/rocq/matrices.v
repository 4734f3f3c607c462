(* Statements on sin(omega A) and its relatives for real matrices of any size m x n. Operator norms are written out: a
   bound on ||X|| is a bound on the length of X x for every x. *)
Require Import Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
From Rankkit Require Import sine.
Local Open Scope R_scope.

(* the squared length of X x *)
Definition length2 (m n : nat) (X : nat -> nat -> R) (x : nat -> R) : R :=
  total m (fun i => total n (fun j => X i j * x j) ^ 2).

(* where |X_ij| <= Y_ij, X x is no longer than Y |x|: so ||X|| <= ||Y|| *)
Theorem domination m n (X Y : nat -> nat -> R) x :
  (forall i j, (i < m)%nat -> (j < n)%nat -> Rabs (X i j) <= Y i j) ->
  length2 m n X x <= length2 m n Y (fun j => Rabs (x j)).
Proof.
intros H. apply total_le; intros i Hi. rewrite <- (pow2_abs (total n (fun j => X i j * x j))).
apply pow_incr; split; [apply Rabs_pos|]. eapply Rle_trans; [apply total_abs|].
apply total_le; intros j Hj. rewrite Rabs_mult. apply Rmult_le_compat_r; [apply Rabs_pos|auto].
Qed.

(* ||sin(omega M) - omega M|| <= || |omega M|^(o 3) || / 6 *)
Theorem taylor_operator m n (M : nat -> nat -> R) w x :
  length2 m n (fun i j => sin (w * M i j) - w * M i j) x <=
  length2 m n (fun i j => Rabs (w * M i j) ^ 3 / 6) (fun j => Rabs (x j)).
Proof. apply domination; intros; apply sin_remainder. Qed.

(* |sin t| <= sqrt |t| *)
Theorem sin_sqrt t : Rabs (sin t) <= sqrt (Rabs t).
Proof.
assert (B : Rabs (sin t) <= 1) by (apply Rabs_le; apply SIN_bound).
assert (S := sin_abs t). pose proof (Rabs_pos t). pose proof (Rabs_pos (sin t)).
rewrite <- (sqrt_pow2 (Rabs (sin t))) by auto. apply sqrt_le_1_alt.
apply Rle_trans with (Rabs (sin t) * 1); [|lra].
replace (Rabs (sin t) ^ 2) with (Rabs (sin t) * Rabs (sin t)) by ring. apply Rmult_le_compat_l; lra.
Qed.

(* equation (20) of the Sine-LoRA paper with |x_j| on the right *)
Theorem row_bound n (A x : nat -> R) w :
  total n (fun j => sin (w * A j) * x j) ^ 2 <= total n (fun j => sqrt (Rabs (w * A j)) * Rabs (x j)) ^ 2.
Proof.
rewrite <- (pow2_abs (total n (fun j => sin (w * A j) * x j))). apply pow_incr; split; [apply Rabs_pos|].
eapply Rle_trans; [apply total_abs|]. apply total_le; intros j Hj. rewrite Rabs_mult.
apply Rmult_le_compat_r; [apply Rabs_pos|apply sin_sqrt].
Qed.

(* Lemma 2: ||sin(omega A)||^2 <= omega || sqrt|A| ||^2 in the operator norm; and with c omega, where sin(t)^2 <= c |t| *)
Lemma scaled m n X c x : length2 m n (fun i j => c * X i j) x = c ^ 2 * length2 m n X x.
Proof.
unfold length2. rewrite <- total_scale. apply total_ext; intros.
rewrite <- Rpow_mult_distr, <- total_scale. f_equal. apply total_ext; intros. ring.
Qed.
Theorem lemma2 m n (A : nat -> nat -> R) w x : 0 <= w ->
  length2 m n (fun i j => sin (w * A i j)) x <=
  w * length2 m n (fun i j => sqrt (Rabs (A i j))) (fun j => Rabs (x j)).
Proof.
intros Hw.
apply Rle_trans with (sqrt w ^ 2 * length2 m n (fun i j => sqrt (Rabs (A i j))) (fun j => Rabs (x j))).
2: rewrite pow2_sqrt by auto; lra.
rewrite <- scaled. apply domination; intros. rewrite <- sqrt_mult_alt by auto.
replace (w * Rabs (A i j)) with (Rabs (w * A i j)) by (rewrite Rabs_mult, (Rabs_right w); lra). apply sin_sqrt.
Qed.
Theorem lemma2_sharp m n (A : nat -> nat -> R) w c x : 0 <= w -> 0 <= c -> (forall t, sin t ^ 2 <= c * Rabs t) ->
  length2 m n (fun i j => sin (w * A i j)) x <=
  c * w * length2 m n (fun i j => sqrt (Rabs (A i j))) (fun j => Rabs (x j)).
Proof.
intros Hw Hc Ht. assert (0 <= c * w) by (apply Rmult_le_pos; auto).
apply Rle_trans with (sqrt (c * w) ^ 2 * length2 m n (fun i j => sqrt (Rabs (A i j))) (fun j => Rabs (x j))).
2: rewrite pow2_sqrt by auto; lra.
rewrite <- scaled. apply domination; intros.
rewrite <- sqrt_mult_alt by auto. rewrite <- (sqrt_pow2 (Rabs (sin (w * A i j)))) by apply Rabs_pos.
apply sqrt_le_1_alt. rewrite pow2_abs. eapply Rle_trans; [apply Ht|].
rewrite Rabs_mult, (Rabs_right w) by lra. lra.
Qed.

(* equation (11): the sum of squares is at least the square at any one entry, such as the smallest *)
Theorem lemma1_one_entry m n (A : nat -> nat -> R) w k l : (k < m)%nat -> (l < n)%nat ->
  sin (w * Rabs (A k l)) ^ 2 <= entries m n (fun i j => sin (w * A i j) ^ 2).
Proof.
intros Hk Hl. assert (E := entries_one m n (fun i j => sin (w * A i j) ^ 2) k l Hk Hl (fun i j => pow2_ge_0 _)).
replace (sin (w * Rabs (A k l)) ^ 2) with (sin (w * A k l) ^ 2); [exact E|].
unfold Rabs; destruct (Rcase_abs (A k l)); [|reflexivity].
replace (w * - A k l) with (- (w * A k l)) by ring. rewrite sin_neg. ring.
Qed.

(* Lemma 1, corrected: ||sin(omega A)||_F^2 >= 27 / (4 pi^2) omega^2 A_min^2 for 0 <= omega A_min <= pi / 3 *)
Theorem lemma1_corrected m n (A : nat -> nat -> R) w k l : (k < m)%nat -> (l < n)%nat ->
  0 <= w * Rabs (A k l) <= PI / 3 ->
  27 / (4 * PI ^ 2) * (w * Rabs (A k l)) ^ 2 <= entries m n (fun i j => sin (w * A i j) ^ 2).
Proof.
intros Hk Hl H. eapply Rle_trans; [|apply (lemma1_one_entry m n A w k l Hk Hl)].
pose proof PI_RGT_0. assert (C := sin_chord (w * Rabs (A k l)) (PI / 3) H ltac:(lra)). rewrite sin_PI3 in C.
set (t := w * Rabs (A k l)) in *.
replace (27 / (4 * PI ^ 2) * t ^ 2) with ((sqrt 3 / 2 / (PI / 3) * t) ^ 2).
- apply pow_incr; split; [|exact C]. apply Rmult_le_pos; [|lra].
  apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat; lra]. pose proof (sqrt_pos 3). lra.
- assert (S : sqrt 3 ^ 2 = 3) by (apply pow2_sqrt; lra).
  replace ((sqrt 3 / 2 / (PI / 3) * t) ^ 2) with (sqrt 3 ^ 2 * 9 / (4 * PI ^ 2) * t ^ 2) by (field; lra).
  rewrite S. field. lra.
Qed.

(* ||sin(omega A)||_F >= (2 / pi) omega ||A||_F up to omega max|A| = pi / 2 *)
Theorem frobenius_jordan m n (A : nat -> nat -> R) w :
  (forall i j, (i < m)%nat -> (j < n)%nat -> Rabs (w * A i j) <= PI / 2) ->
  (2 / PI) ^ 2 * entries m n (fun i j => (w * A i j) ^ 2) <= entries m n (fun i j => sin (w * A i j) ^ 2).
Proof.
intros H. rewrite <- entries_scale. apply entries_le; intros i j Hi Hj. specialize (H i j Hi Hj).
rewrite <- (pow2_abs (w * A i j)), <- Rpow_mult_distr.
replace (sin (w * A i j) ^ 2) with (sin (Rabs (w * A i j)) ^ 2).
- apply pow_incr; split; [|apply jordan; split; [apply Rabs_pos|auto]].
  apply Rmult_le_pos; [|apply Rabs_pos]. pose proof PI_RGT_0. apply Rmult_le_pos; [lra|apply Rlt_le, Rinv_0_lt_compat; lra].
- unfold Rabs; destruct (Rcase_abs (w * A i j)); [rewrite sin_neg; ring|reflexivity].
Qed.

(* equation (27), corrected: || sqrt|A| ||_F^4 <= m n ||A||_F^2 *)
Theorem eq27_corrected m n (A : nat -> nat -> R) :
  entries m n (fun i j => Rabs (A i j)) ^ 2 <= INR m * INR n * entries m n (fun i j => A i j ^ 2).
Proof.
assert (R1 : forall k f, total k f ^ 2 <= INR k * total k (fun i => f i ^ 2)).
{ intros k f. pose proof (cauchy_schwarz k (fun _ => 1) f) as C. cbv beta in C.
  replace (total k (fun i => 1 ^ 2)) with (INR k) in C by (rewrite (total_const k (1 ^ 2)); ring).
  rewrite (total_ext k (fun i => 1 * f i) f) in C by (intros; ring). exact C. }
unfold entries. eapply Rle_trans; [apply R1|]. rewrite Rmult_assoc. apply Rmult_le_compat_l; [apply pos_INR|].
rewrite <- total_scale. apply total_le; intros i Hi. eapply Rle_trans; [apply R1|].
apply Rmult_le_compat_l; [apply pos_INR|]. apply total_le; intros. rewrite pow2_abs. lra.
Qed.

(* equation (28), corrected: entries of at least a make ||Y||^2 >= m n a^2, seen at the vector of ones, whose squared
   length is n *)
Theorem eq28_corrected m n (Y : nat -> nat -> R) a : 0 <= a ->
  (forall i j, (i < m)%nat -> (j < n)%nat -> a <= Y i j) ->
  INR m * INR n * a ^ 2 * total n (fun _ => 1 ^ 2) <= length2 m n Y (fun _ => 1).
Proof.
intros Ha H. rewrite total_const. unfold length2.
replace (INR m * INR n * a ^ 2 * (INR n * 1 ^ 2)) with (INR m * (INR n * a) ^ 2) by ring.
rewrite <- total_const. apply total_le; intros i Hi. apply pow_incr; split.
- apply Rmult_le_pos; [apply pos_INR|auto].
- rewrite <- total_const. apply total_le; intros j Hj. rewrite Rmult_1_r. auto.
Qed.

(* the gradient's gain: ||(G o cos(omega U V^T)) V||_F <= ||G||_F ||V||_F, for any weights C of size at most 1 *)
Theorem gain m n r (G C V : nat -> nat -> R) : (forall i j, Rabs (C i j) <= 1) ->
  entries m r (fun i k => total n (fun j => G i j * C i j * V j k) ^ 2) <=
  entries m n (fun i j => G i j ^ 2) * entries r n (fun k j => V j k ^ 2).
Proof.
intros H. unfold entries. rewrite (Rmult_comm (total m _)), <- total_scale. apply total_le; intros i Hi.
rewrite Rmult_comm, <- total_scale. apply total_le; intros k Hk.
eapply Rle_trans; [apply (cauchy_schwarz n (fun j => G i j * C i j) (fun j => V j k))|].
apply Rmult_le_compat_r; [apply total_ge0; intros; apply pow2_ge_0|]. apply total_le; intros j Hj.
rewrite Rpow_mult_distr. rewrite <- (Rmult_1_r (G i j ^ 2)) at 2. apply Rmult_le_compat_l; [apply pow2_ge_0|].
rewrite <- (pow2_abs (C i j)). replace 1 with (1 ^ 2) by ring. apply pow_incr; split; [apply Rabs_pos|auto].
Qed.

(* ||Sinter(Z) - Z||_F <= A ||Z||_F *)
Theorem sinter_scale m n (Z : nat -> nat -> R) amplitude w :
  entries m n (fun i j => (amplitude * Z i j * sin (w * Z i j)) ^ 2) <=
  amplitude ^ 2 * entries m n (fun i j => Z i j ^ 2).
Proof.
rewrite <- entries_scale. apply entries_le; intros. rewrite !Rpow_mult_distr.
assert (S : sin (w * Z i j) ^ 2 <= 1).
{ rewrite <- (pow2_abs (sin _)). replace 1 with (1 ^ 2) by ring.
  apply pow_incr; split; [apply Rabs_pos|apply Rabs_le, SIN_bound]. }
apply Rle_trans with (amplitude ^ 2 * Z i j ^ 2 * 1); [|lra].
apply Rmult_le_compat_l; [apply Rmult_le_pos; apply pow2_ge_0|exact S].
Qed.

(* the gradient of an amplitude at B A = 0 is its sensitivity times the sum of the entries of G *)
Theorem gradient_at_zero m n (G : nat -> nat -> R) s : entries m n (fun i j => s * G i j) = s * entries m n G.
Proof. apply entries_scale. Qed.

(* |sin(p + h) - sin p - h cos p| <= h^2 / 2, and so the gradient with respect to B A is (G X^T) o cos(B A) *)
Lemma cos_lipschitz p t : Rabs (cos (p + t) - cos p) <= Rabs t.
Proof.
destruct (MVT_gen cos p (p + t) (fun s => - sin s)) as [c [_ E]].
- intros s _. auto_derive; auto. ring.
- intros s _. apply continuity_pt_filterlim, (ex_derive_continuous cos). auto_derive; auto.
- rewrite E. replace (p + t - p) with t by ring. rewrite Rabs_mult, Rabs_Ropp.
  rewrite <- (Rmult_1_l (Rabs t)) at 2. apply Rmult_le_compat_r; [apply Rabs_pos|apply Rabs_le, SIN_bound].
Qed.
Lemma second_order_pos p h : 0 <= h -> Rabs (sin (p + h) - sin p - h * cos p) <= h ^ 2 / 2.
Proof.
intros [H|<-]; [|replace (sin (p + 0) - sin p - 0 * cos p) with 0 by (rewrite Rplus_0_r; ring); rewrite Rabs_R0; lra].
assert (D : forall sign, Rabs sign <= 1 -> sign * (sin (p + h) - sin p - h * cos p) <= h ^ 2 / 2).
{ intros e He. destruct (MVT_gen (fun t => t ^ 2 / 2 - e * (sin (p + t) - sin p - t * cos p)) 0 h
    (fun t => t - e * (cos (p + t) - cos p))) as [c [Hc E]].
  - intros t _. auto_derive; auto. field.
  - intros t _. apply continuity_pt_filterlim.
    apply (ex_derive_continuous (fun t => t ^ 2 / 2 - e * (sin (p + t) - sin p - t * cos p))). auto_derive; auto.
  - rewrite Rmin_left, Rmax_right in Hc by lra. rewrite Rplus_0_r in E.
    assert (L := cos_lipschitz p c). rewrite (Rabs_right c) in L by lra.
    assert (Q : e * (cos (p + c) - cos p) <= c).
    { eapply Rle_trans; [apply Rle_abs|]. rewrite Rabs_mult. rewrite <- (Rmult_1_l c) at 2.
      apply Rmult_le_compat; auto; apply Rabs_pos. }
    assert (0 <= (c - e * (cos (p + c) - cos p)) * (h - 0)) by (apply Rmult_le_pos; lra). lra. }
apply Rabs_le. assert (P := D 1 ltac:(rewrite Rabs_R1; lra)). assert (N := D (-1) ltac:(rewrite Rabs_left; lra)). lra.
Qed.
Theorem second_order p h : Rabs (sin (p + h) - sin p - h * cos p) <= h ^ 2 / 2.
Proof.
destruct (Rle_or_lt 0 h) as [H|H]; [apply second_order_pos, H|].
assert (P := second_order_pos (- p) (- h) ltac:(lra)).
replace (sin (- p + - h) - sin (- p) - - h * cos (- p)) with (- (sin (p + h) - sin p - h * cos p)) in P.
- rewrite Rabs_Ropp in P. replace (h ^ 2) with ((- h) ^ 2) by ring. exact P.
- replace (- p + - h) with (- (p + h)) by ring. rewrite !sin_neg, cos_neg. ring.
Qed.
Theorem dense_gradient m n (weight Z step : nat -> nat -> R) :
  Rabs (entries m n (fun i j => weight i j * (sin (Z i j + step i j) - sin (Z i j) - step i j * cos (Z i j)))) <=
  entries m n (fun i j => Rabs (weight i j) * (step i j ^ 2 / 2)).
Proof.
unfold entries. eapply Rle_trans; [apply total_abs|]. apply total_le; intros. eapply Rle_trans; [apply total_abs|].
apply total_le; intros. rewrite Rabs_mult. apply Rmult_le_compat_l; [apply Rabs_pos|apply second_order].
Qed.
