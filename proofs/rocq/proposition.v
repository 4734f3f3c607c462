(* For which matrices Proposition 1 of the Sine-LoRA paper fails: for none that has two entries other than 0. *)
Require Import Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
From Rankkit Require Import sine.
From Rankkit Require Import matrices.
Local Open Scope R_scope.

Definition at_one (k : nat) (c : R) (j : nat) : R := if Nat.eq_dec j k then c else 0.
Lemma total_at n k (f : nat -> R) c : (k < n)%nat -> total n (fun j => f j * at_one k c j) = f k * c.
Proof.
induction n as [|n IH]; intros Hk; [lia|]. simpl.
assert (Z : forall m, (m <= k)%nat -> total m (fun j => f j * at_one k c j) = 0).
{ induction m as [|m IHm]; intros Hm; simpl; [reflexivity|]. rewrite IHm by lia. unfold at_one.
  destruct (Nat.eq_dec m k); [lia|ring]. }
destruct (Nat.eq_dec n k) as [E|E].
- rewrite Z by lia. unfold at_one. destruct (Nat.eq_dec n k); [subst; ring|contradiction].
- rewrite IH by lia. unfold at_one. destruct (Nat.eq_dec n k); [contradiction|ring].
Qed.
Definition length1 n (x : nat -> R) := total n (fun j => x j ^ 2).
Lemma length_at n k c : (k < n)%nat -> length1 n (at_one k c) = c ^ 2.
Proof.
intros Hk. unfold length1. rewrite <- (total_ext n (fun j => at_one k c j * at_one k c j)) by (intros; ring).
rewrite (total_at n k (at_one k c) c Hk). unfold at_one. destruct (Nat.eq_dec k k); [ring|contradiction].
Qed.
Lemma length2_row m n X x i : (i < m)%nat -> total n (fun j => X i j * x j) ^ 2 <= length2 m n X x.
Proof.
intros Hi. apply (total_one m (fun i => total n (fun j => X i j * x j) ^ 2)); auto. intros; apply pow2_ge_0.
Qed.
Lemma total_two m f i k : (i < m)%nat -> (k < m)%nat -> i <> k -> (forall j, 0 <= f j) -> f i + f k <= total m f.
Proof.
induction m as [|m IH]; intros Hi Hk D P; [lia|]. simpl.
destruct (Nat.eq_dec i m) as [->|Ei].
- assert (f k <= total m f) by (apply total_one; [lia|auto]). lra.
- destruct (Nat.eq_dec k m) as [->|Ek].
  + assert (f i <= total m f) by (apply total_one; [lia|auto]). lra.
  + assert (f i + f k <= total m f) by (apply IH; auto; lia). pose proof (P m). lra.
Qed.

(* c is an upper bound of ||X||^2: |X x|^2 <= c |x|^2 for every x *)
Definition bounds m n (X : nat -> nat -> R) c := forall x, length2 m n X x <= c * length1 n x.
Definition roots (A : nat -> nat -> R) i j := sqrt (Rabs (A i j)).

Lemma bound_entry m n A c i j : bounds m n (roots A) c -> (i < m)%nat -> (j < n)%nat -> Rabs (A i j) <= c.
Proof.
intros B Hi Hj. specialize (B (at_one j 1)). rewrite length_at in B by auto.
pose proof (length2_row m n (roots A) (at_one j 1) i Hi) as L. rewrite (total_at n j (roots A i) 1 Hj) in L.
assert (R1 : (roots A i j * 1) ^ 2 = Rabs (A i j)).
{ unfold roots. rewrite Rmult_1_r. apply pow2_sqrt, Rabs_pos. }
rewrite R1 in L. lra.
Qed.
Lemma bound_column m n A c i k j : bounds m n (roots A) c -> (i < m)%nat -> (k < m)%nat -> i <> k -> (j < n)%nat ->
  Rabs (A i j) + Rabs (A k j) <= c.
Proof.
intros B Hi Hk D Hj. specialize (B (at_one j 1)). rewrite length_at in B by auto.
pose proof (total_two m (fun i => total n (fun l => roots A i l * at_one j 1 l) ^ 2) i k Hi Hk D
  (fun i => pow2_ge_0 _)) as L. cbv beta in L. unfold length2 in B.
rewrite (total_at n j (roots A i) 1 Hj), (total_at n j (roots A k) 1 Hj) in L. assert (R1 : (roots A i j * 1) ^ 2 = Rabs (A i j)).
{ unfold roots. rewrite Rmult_1_r. apply pow2_sqrt, Rabs_pos. }
assert (R2 : (roots A k j * 1) ^ 2 = Rabs (A k j)).
{ unfold roots. rewrite Rmult_1_r. apply pow2_sqrt, Rabs_pos. }
rewrite R1, R2 in L. lra.
Qed.
Lemma bound_row m n A c i j l a : bounds m n (roots A) c -> (i < m)%nat -> (j < n)%nat -> (l < n)%nat -> j <> l ->
  0 <= a -> a <= Rabs (A i j) -> a <= Rabs (A i l) -> 2 * a <= c.
Proof.
intros B Hi Hj Hl D Ha H1 H2. specialize (B (fun q => at_one j 1 q + at_one l 1 q)).
assert (E : length1 n (fun q => at_one j 1 q + at_one l 1 q) = 2).
{ unfold length1. rewrite (total_ext n _ (fun q => at_one j 1 q ^ 2 + at_one l 1 q ^ 2)).
  - rewrite total_plus. fold (length1 n (at_one j 1)) (length1 n (at_one l 1)). rewrite !length_at by auto. ring.
  - intros q _. unfold at_one. destruct (Nat.eq_dec q j), (Nat.eq_dec q l); subst; try contradiction; ring. }
rewrite E in B. pose proof (length2_row m n (roots A) (fun q => at_one j 1 q + at_one l 1 q) i Hi) as L.
rewrite (total_ext n _ (fun q => roots A i q * at_one j 1 q + roots A i q * at_one l 1 q)) in L by (intros; ring).
rewrite total_plus, (total_at n j (roots A i) 1 Hj), (total_at n l (roots A i) 1 Hl) in L.
assert (S1 : sqrt a <= roots A i j) by (apply sqrt_le_1_alt; auto).
assert (S2 : sqrt a <= roots A i l) by (apply sqrt_le_1_alt; auto).
pose proof (sqrt_pos a) as S0. assert (Q : sqrt a ^ 2 = a) by (apply pow2_sqrt; auto).
assert (K : (2 * sqrt a) ^ 2 <= (roots A i j * 1 + roots A i l * 1) ^ 2) by (apply pow_incr; lra).
replace ((2 * sqrt a) ^ 2) with (4 * sqrt a ^ 2) in K by ring. lra.
Qed.

(* where A has two entries other than 0 and a is the least of their sizes, either omega a^2 <= || sqrt|A| ||^2, and the
   rank is at least 1 as sin(omega a) is not 0, or a minor of order two of sin(omega A) is not 0 and
   omega a^2 <= 2 || sqrt|A| ||^2: the printed bound holds *)
Theorem prop1_where m n (A : nat -> nat -> R) a c w i j k l :
  (i < m)%nat -> (j < n)%nat -> (k < m)%nat -> (l < n)%nat -> (i, j) <> (k, l) -> A i j <> 0 -> A k l <> 0 ->
  0 < a -> (forall p q, (p < m)%nat -> (q < n)%nat -> A p q <> 0 -> a <= Rabs (A p q)) ->
  bounds m n (roots A) c -> 0 < w -> w * a <= PI / 3 ->
  (w * a ^ 2 <= c /\ sin (w * a) <> 0) \/
  (w * a ^ 2 <= 2 * c /\ sin (w * A i j) * sin (w * A k l) - sin (w * A i l) * sin (w * A k j) <> 0).
Proof.
intros Hi Hj Hk Hl D Aij Akl Ha Least B Hw H. pose proof PI_RGT_0 as P. pose proof PI_4 as P4.
assert (S : sin (w * a) <> 0).
{ apply Rgt_not_eq, sin_gt_0; [apply Rmult_lt_0_compat; auto|lra]. }
assert (L1 := Least i j Hi Hj Aij). assert (L2 := Least k l Hk Hl Akl).
assert (W : w * a ^ 2 <= PI / 3 * a).
{ replace (w * a ^ 2) with (w * a * a) by ring. apply Rmult_le_compat_r; lra. }
assert (T : PI / 3 * a <= 2 * a) by (apply Rmult_le_compat_r; lra).
assert (Two : 2 * a <= c -> (w * a ^ 2 <= c /\ sin (w * a) <> 0) \/
  (w * a ^ 2 <= 2 * c /\ sin (w * A i j) * sin (w * A k l) - sin (w * A i l) * sin (w * A k j) <> 0)).
{ intros C. left. split; [lra|auto]. }
destruct (Nat.eq_dec i k) as [Eik|Nik].
{ subst k. assert (j <> l) by (intros E; apply D; subst; reflexivity).
  apply Two. apply (bound_row m n A c i j l a); auto; lra. }
destruct (Nat.eq_dec j l) as [Ejl|Njl].
{ subst l. apply Two. pose proof (bound_column m n A c i k j B Hi Hk Nik Hj). lra. }
destruct (Req_dec (A i l) 0) as [Zil|Nil].
2:{ apply Two. apply (bound_row m n A c i j l a); auto; try lra. }
pose proof (bound_entry m n A c i j B Hi Hj) as C1. pose proof (bound_entry m n A c k l B Hk Hl) as C2.
assert (Far : forall x, x <> 0 -> sin (w * x) = 0 -> Rabs x <= c -> w * a ^ 2 <= c).
{ intros x Nx Sx Cx.
  assert (Fx : PI <= w * Rabs x).
  { destruct (Rle_or_lt PI (w * Rabs x)) as [G|G]; auto. exfalso.
    assert (Q : 0 < w * Rabs x) by (apply Rmult_lt_0_compat; [auto|apply Rabs_pos_lt; auto]).
    pose proof (sin_gt_0 _ Q G) as Pos. unfold Rabs in Pos. destruct (Rcase_abs x).
    - replace (w * - x) with (- (w * x)) in Pos by ring. rewrite sin_neg in Pos. lra.
    - lra. }
  assert (G : (w * a) ^ 2 <= w * c).
  { assert ((w * a) ^ 2 <= (PI / 3) ^ 2) by (apply pow_incr; split; [apply Rlt_le, Rmult_lt_0_compat; auto|auto]).
    assert (PI * PI <= 9 * PI) by (apply Rmult_le_compat_r; lra).
    assert (w * Rabs x <= w * c) by (apply Rmult_le_compat_l; lra).
    replace ((PI / 3) ^ 2) with (PI * PI / 9) in * by field. lra. }
  apply Rmult_le_reg_l with w; auto. replace (w * (w * a ^ 2)) with ((w * a) ^ 2) by ring. auto. }
destruct (Req_dec (sin (w * A i j)) 0) as [Z1|N1]; [left; split; [apply (Far (A i j)); auto|auto]|].
destruct (Req_dec (sin (w * A k l)) 0) as [Z2|N2]; [left; split; [apply (Far (A k l)); auto|auto]|].
right. split; [lra|]. rewrite Zil, Rmult_0_r, sin_0, Rmult_0_l, Rminus_0_r. apply Rmult_integral_contrapositive; auto.
Qed.
