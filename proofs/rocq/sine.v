(* The sine's bounds, entry by entry and for matrices of any size m x n over the reals (indices 0..m-1, 0..n-1). *)
Require Import Reals Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
Local Open Scope R_scope.

(* sums over n entries, and over the m n entries of a matrix *)
Fixpoint total (n : nat) (f : nat -> R) : R := match n with O => 0 | S k => total k f + f k end.
Definition entries (m n : nat) (f : nat -> nat -> R) : R := total m (fun i => total n (f i)).

Lemma total_le n f g : (forall i, (i < n)%nat -> f i <= g i) -> total n f <= total n g.
Proof.
induction n as [|n IH]; simpl; intros H; [lra|].
assert (f n <= g n) by (apply H; lia). assert (total n f <= total n g) by (apply IH; intros; apply H; lia). lra.
Qed.
Lemma total_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> total n f = total n g.
Proof. intros H; apply Rle_antisym; apply total_le; intros; rewrite H; auto; lra. Qed.
Lemma total_ge0 n f : (forall i, (i < n)%nat -> 0 <= f i) -> 0 <= total n f.
Proof.
induction n as [|n IH]; simpl; intros H; [lra|].
assert (0 <= f n) by (apply H; lia). assert (0 <= total n f) by (apply IH; intros; apply H; lia). lra.
Qed.
Lemma total_scale n c f : total n (fun i => c * f i) = c * total n f.
Proof. induction n as [|n IH]; simpl; [ring|rewrite IH; ring]. Qed.
Lemma total_plus n f g : total n (fun i => f i + g i) = total n f + total n g.
Proof. induction n as [|n IH]; simpl; [ring|rewrite IH; ring]. Qed.
Lemma total_const n c : total n (fun _ => c) = INR n * c.
Proof. induction n as [|n IH]; [simpl; ring|]. rewrite S_INR; simpl; rewrite IH; ring. Qed.
Lemma total_one n f k : (k < n)%nat -> (forall i, (i < n)%nat -> 0 <= f i) -> f k <= total n f.
Proof.
induction n as [|n IH]; simpl; intros Hk H; [lia|].
assert (0 <= total n f) by (apply total_ge0; intros; apply H; lia).
destruct (Nat.eq_dec k n) as [-> |Hn]; [lra|].
assert (f k <= total n f) by (apply IH; [lia|intros; apply H; lia]). assert (0 <= f n) by (apply H; lia). lra.
Qed.
Lemma total_abs n f : Rabs (total n f) <= total n (fun i => Rabs (f i)).
Proof.
induction n as [|n IH]; simpl; [rewrite Rabs_R0; lra|].
eapply Rle_trans; [apply Rabs_triang|lra].
Qed.
Lemma entries_le m n f g :
  (forall i j, (i < m)%nat -> (j < n)%nat -> f i j <= g i j) -> entries m n f <= entries m n g.
Proof. intros H; apply total_le; intros; apply total_le; intros; apply H; auto. Qed.
Lemma entries_scale m n c f : entries m n (fun i j => c * f i j) = c * entries m n f.
Proof. unfold entries; rewrite <- total_scale; apply total_ext; intros; apply total_scale. Qed.
Lemma entries_one m n f k l : (k < m)%nat -> (l < n)%nat -> (forall i j, 0 <= f i j) -> f k l <= entries m n f.
Proof.
intros Hk Hl H. apply Rle_trans with (total n (f k)); [apply total_one; auto|].
apply (total_one m (fun i => total n (f i)) k); auto. intros; apply total_ge0; auto.
Qed.

(* Cauchy and Schwarz *)
Theorem cauchy_schwarz n f g :
  total n (fun i => f i * g i) ^ 2 <= total n (fun i => f i ^ 2) * total n (fun i => g i ^ 2).
Proof.
induction n as [|n IH]; cbn [total]; [lra|].
set (s := total n (fun i => f i * g i)) in *. set (p := total n (fun i => f i ^ 2)) in *.
set (q := total n (fun i => g i ^ 2)) in *.
assert (0 <= p) by (apply total_ge0; intros; apply pow2_ge_0).
assert (0 <= q) by (apply total_ge0; intros; apply pow2_ge_0).
set (a := f n) in *. set (b := g n) in *. clearbody a b s p q.
assert (Hs : 2 * (s * (a * b)) <= p * b ^ 2 + q * a ^ 2).
{ assert (0 <= p * b ^ 2 + q * a ^ 2) by (apply Rplus_le_le_0_compat; apply Rmult_le_pos; auto; apply pow2_ge_0).
  assert (K : s ^ 2 * (a * b) ^ 2 <= p * q * (a * b) ^ 2) by (apply Rmult_le_compat_r; [apply pow2_ge_0|auto]).
  assert (L : (2 * (s * (a * b))) ^ 2 <= (p * b ^ 2 + q * a ^ 2) ^ 2).
  { pose proof (pow2_ge_0 (p * b ^ 2 - q * a ^ 2)).
    replace ((2 * (s * (a * b))) ^ 2) with (4 * (s ^ 2 * (a * b) ^ 2)) by ring.
    replace ((p * b ^ 2 + q * a ^ 2) ^ 2) with ((p * b ^ 2 - q * a ^ 2) ^ 2 + 4 * (p * q * (a * b) ^ 2)) by ring. lra. }
  destruct (Rle_or_lt (2 * (s * (a * b))) 0); [lra|]. apply Rsqr_incr_0_var; auto. rewrite !Rsqr_pow2. exact L. }
replace ((s + a * b) ^ 2) with (s ^ 2 + 2 * (s * (a * b)) + (a * b) ^ 2) by ring.
replace ((p + a ^ 2) * (q + b ^ 2)) with (p * q + (p * b ^ 2 + q * a ^ 2) + (a * b) ^ 2) by ring. lra.
Qed.

(* |sin x| <= |x| *)
Lemma sin_le x : 0 <= x -> sin x <= x.
Proof. intros [H|<-]; [apply Rlt_le, sin_lt_x, H|rewrite sin_0; lra]. Qed.
Theorem sin_abs x : Rabs (sin x) <= Rabs x.
Proof.
assert (P : forall t, 0 <= t -> Rabs (sin t) <= t).
{ intros t Ht. destruct (Rle_or_lt t 1) as [H1|H1].
  - rewrite Rabs_right; [apply sin_le, Ht|]. apply Rle_ge, sin_ge_0; [auto|]. pose proof PI2_3_2. lra.
  - apply Rabs_le. pose proof (SIN_bound t). lra. }
destruct (Rle_or_lt 0 x) as [H|H].
- rewrite (Rabs_right x) by lra. apply P, H.
- rewrite <- (Rabs_Ropp (sin x)), <- sin_neg, <- (Rabs_Ropp x), (Rabs_right (- x)) by lra. apply P. lra.
Qed.

(* x cos x <= sin x from 0 to pi *)
Lemma tangent x : 0 <= x <= PI -> x * cos x <= sin x.
Proof.
intros [[H0|<-] H1]; [|rewrite sin_0; lra].
destruct (MVT_gen (fun t => sin t - t * cos t) 0 x (fun t => t * sin t)) as [c [Hc E]].
- intros t _. auto_derive; auto. ring.
- intros t _. apply continuity_pt_filterlim. apply (ex_derive_continuous (fun t => sin t - t * cos t)). auto_derive; auto.
- rewrite Rmin_left, Rmax_right in Hc by lra. rewrite sin_0 in E.
  assert (0 <= sin c) by (apply sin_ge_0; lra). assert (0 <= c * sin c * (x - 0)) by (apply Rmult_le_pos; [apply Rmult_le_pos|]; lra).
  lra.
Qed.

(* the sine lies above its chord: sin(x) / x falls up to pi *)
Theorem sin_chord x b : 0 <= x <= b -> 0 < b <= PI -> sin b / b * x <= sin x.
Proof.
intros [[H0|<-] H1] [Hb H2]; [|rewrite sin_0; lra].
destruct H1 as [H1| ->]; [|apply Req_le; field; lra].
destruct (MVT_gen (fun t => sin t / t) x b (fun t => (t * cos t - sin t) / t ^ 2)) as [c [Hc E]].
- intros t Ht. rewrite Rmin_left, Rmax_right in Ht by lra. auto_derive; [lra|field; lra].
- intros t Ht. rewrite Rmin_left, Rmax_right in Ht by lra. apply continuity_pt_filterlim.
  apply (ex_derive_continuous (fun t => sin t / t)). auto_derive; lra.
- rewrite Rmin_left, Rmax_right in Hc by lra.
  assert (c * cos c <= sin c) by (apply tangent; lra).
  assert ((c * cos c - sin c) / c ^ 2 <= 0).
  { apply Rmult_le_reg_r with (c ^ 2); [nra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by nra. lra. }
  assert (sin b / b <= sin x / x) by nra.
  apply Rle_trans with (sin x / x * x); [apply Rmult_le_compat_r; lra|apply Req_le; field; lra].
Qed.

(* Jordan: sin x >= 2 x / pi up to pi / 2 *)
Theorem jordan x : 0 <= x <= PI / 2 -> 2 / PI * x <= sin x.
Proof.
intros H. pose proof PI_RGT_0. assert (E := sin_chord x (PI / 2) H ltac:(lra)). rewrite sin_PI2 in E.
replace (1 / (PI / 2)) with (2 / PI) in E by (field; lra). exact E.
Qed.

(* equations (12) to (15) of the Sine-LoRA paper: sin x >= x / 2 up to pi / 3 *)
Theorem sin_half x : 0 <= x <= PI / 3 -> x / 2 <= sin x.
Proof.
intros H. pose proof PI_RGT_0. assert (J := jordan x ltac:(lra)).
assert (/ 2 * x <= 2 / PI * x); [|lra]. apply Rmult_le_compat_r; [lra|].
apply Rmult_le_reg_r with PI; auto. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. pose proof PI_4. lra.
Qed.

(* |sin x - x| <= |x|^3 / 6 *)
Lemma sin_cubic_pos x : 0 <= x -> x - x ^ 3 / 6 <= sin x.
Proof.
intros [H0|<-]; [|rewrite sin_0; lra].
assert (C : forall t, 0 <= t -> 1 - t ^ 2 / 2 <= cos t).
{ intros t Ht. replace t with (2 * (t / 2)) by field. rewrite cos_2a_sin.
  assert (S := sin_abs (t / 2)). assert (sin (t / 2) * sin (t / 2) <= (t / 2) * (t / 2)); [|nra].
  apply Rsqr_le_abs_1. exact S. }
destruct (MVT_gen (fun t => sin t - (t - t ^ 3 / 6)) 0 x (fun t => cos t - (1 - t ^ 2 / 2))) as [c [Hc E]].
- intros t _. auto_derive; auto. field.
- intros t _. apply continuity_pt_filterlim. apply (ex_derive_continuous (fun t => sin t - (t - t ^ 3 / 6))). auto_derive; auto.
- rewrite Rmin_left, Rmax_right in Hc by lra. rewrite sin_0 in E. specialize (C c ltac:(lra)).
  assert (0 <= (cos c - (1 - c ^ 2 / 2)) * (x - 0)) by (apply Rmult_le_pos; lra). lra.
Qed.
Theorem sin_remainder x : Rabs (sin x - x) <= Rabs x ^ 3 / 6.
Proof.
assert (P : forall t, 0 <= t -> Rabs (sin t - t) <= t ^ 3 / 6).
{ intros t Ht. apply Rabs_le. pose proof (sin_le t Ht). pose proof (sin_cubic_pos t Ht). pose proof (pow_le t 3 Ht). lra. }
destruct (Rle_or_lt 0 x) as [H|H].
- rewrite (Rabs_right x) by lra. apply P, H.
- replace (sin x - x) with (- (sin (- x) - - x)) by (rewrite sin_neg; ring).
  rewrite Rabs_Ropp. rewrite (Rabs_left x) by lra. apply P. lra.
Qed.

(* the sine's remainder in the Frobenius norm: the constant 1/6 is sharp as omega A tends to 0 *)
Theorem frobenius_remainder m n (A : nat -> nat -> R) w :
  entries m n (fun i j => (sin (w * A i j) - w * A i j) ^ 2) <=
  entries m n (fun i j => (Rabs (w * A i j) ^ 3 / 6) ^ 2).
Proof.
apply entries_le; intros. rewrite <- (pow2_abs (sin _ - _)). apply pow_incr. split; [apply Rabs_pos|apply sin_remainder].
Qed.
