(* sinc, tanh and Sinter: what LR-LoRA and LoRAN need of them, for any number of terms. *)
Require Import Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
From Rankkit Require Import sine matrices.
Local Open Scope R_scope.

(* sin(pi t) / (pi t), and 1 at 0 *)
Definition sinc (t : R) : R := if Req_EM_T t 0 then 1 else sin (PI * t) / (PI * t).

Lemma sinc_integral t : is_RInt (fun s => cos (PI * t * s)) 0 1 (sinc t).
Proof.
unfold sinc. destruct (Req_EM_T t 0) as [->|Ht].
- apply is_RInt_ext with (fun _ => 1). { intros; rewrite Rmult_0_r, Rmult_0_l, cos_0; reflexivity. }
  assert (K : is_RInt (fun _ : R => 1) 0 1 (scal (1 - 0) 1)) by exact (is_RInt_const 0 1 1).
  replace (scal (1 - 0) 1) with 1 in K by (unfold scal; simpl; unfold mult; simpl; ring). exact K.
- assert (Hp : PI * t <> 0) by (pose proof PI_RGT_0; intros E; apply Rmult_integral in E; lra).
  replace (sin (PI * t) / (PI * t)) with (minus (sin (PI * t * 1) / (PI * t)) (sin (PI * t * 0) / (PI * t))).
  + apply (is_RInt_derive (fun s => sin (PI * t * s) / (PI * t))).
    * intros y _. auto_derive; [auto|]. field. split; [auto|apply PI_neq0].
    * intros y _. apply (ex_derive_continuous (fun s => cos (PI * t * s))). auto_derive; auto.
  + unfold minus, plus, opp; simpl. rewrite Rmult_0_r, sin_0, Rmult_1_r. field. split; [auto|apply PI_neq0].
Qed.

Lemma cos_slope p q : Rabs (cos p - cos q) <= Rabs (p - q).
Proof. replace p with (q + (p - q)) at 1 by ring. apply cos_lipschitz. Qed.

(* |sinc p - sinc q| <= (pi / 2) |p - q| *)
Theorem sinc_lipschitz p q : Rabs (sinc p - sinc q) <= PI / 2 * Rabs (p - q).
Proof.
assert (D := is_RInt_minus _ _ _ _ _ _ (sinc_integral p) (sinc_integral q)).
assert (L : is_RInt (fun s => PI * Rabs (p - q) * s) 0 1 (PI / 2 * Rabs (p - q))).
{ replace (PI / 2 * Rabs (p - q)) with
    (minus (PI * Rabs (p - q) * (1 ^ 2 / 2)) (PI * Rabs (p - q) * (0 ^ 2 / 2))).
  - apply (is_RInt_derive (fun s => PI * Rabs (p - q) * (s ^ 2 / 2))).
    + intros s _. auto_derive; [auto|]. field.
    + intros s _. apply (ex_derive_continuous (fun s => PI * Rabs (p - q) * s)). auto_derive; auto.
  - unfold minus, plus, opp; simpl. field. }
pose proof PI_RGT_0.
refine (norm_RInt_le _ _ 0 1 _ _ _ _ D L); [lra|].
intros s Hs. unfold minus, plus, opp, norm; simpl. unfold abs; simpl.
eapply Rle_trans; [apply (cos_slope (PI * p * s) (PI * q * s))|].
replace (PI * p * s - PI * q * s) with (PI * s * (p - q)) by ring. rewrite Rabs_mult, (Rabs_right (PI * s)).
- apply Req_le. ring.
- apply Rle_ge, Rmult_le_pos; lra.
Qed.

(* |sinc t| <= 1 and |sinc t| <= 1 / (pi |t|) *)
Theorem sinc_bound t : Rabs (sinc t) <= 1.
Proof.
unfold sinc. destruct (Req_EM_T t 0) as [->|Ht]; [rewrite Rabs_R1; lra|].
assert (Hp : PI * t <> 0) by (pose proof PI_RGT_0; intros E; apply Rmult_integral in E; lra).
unfold Rdiv. rewrite Rabs_mult, Rabs_inv. pose proof (Rabs_pos_lt _ Hp).
apply Rmult_le_reg_r with (Rabs (PI * t)); auto. rewrite Rmult_assoc, Rinv_l by lra.
pose proof (sin_abs (PI * t)). lra.
Qed.
Theorem sinc_decay t : t <> 0 -> Rabs (sinc t) <= 1 / (PI * Rabs t).
Proof.
intros Ht. unfold sinc. destruct (Req_EM_T t 0) as [E|_]; [contradiction|]. pose proof PI_RGT_0.
assert (Hp : PI * t <> 0) by (intros E; apply Rmult_integral in E; lra).
unfold Rdiv. rewrite Rabs_mult, Rabs_inv, Rabs_mult, (Rabs_right PI) by lra.
apply Rmult_le_compat_r; [|apply Rabs_le, SIN_bound].
apply Rlt_le, Rinv_0_lt_compat, Rmult_lt_0_compat; [auto|apply Rabs_pos_lt; auto].
Qed.

(* phi(z) = sum_i alpha_i sinc(omega_i (z - x_i)) *)
Definition phi n (alpha omega x : nat -> R) z := total n (fun i => alpha i * sinc (omega i * (z - x i))).

(* |phi| <= sum |alpha_i| *)
Theorem phi_bound n alpha omega x z : Rabs (phi n alpha omega x z) <= total n (fun i => Rabs (alpha i)).
Proof.
eapply Rle_trans; [apply total_abs|]. apply total_le; intros. rewrite Rabs_mult, <- (Rmult_1_r (Rabs (alpha i))) at 1.
rewrite Rmult_1_r. rewrite <- (Rmult_1_r (Rabs (alpha i))) at 2. apply Rmult_le_compat_l; [apply Rabs_pos|apply sinc_bound].
Qed.

(* phi decays beside its grid, so that it is periodic only where it is 0 *)
Theorem phi_decay n alpha omega x z : (forall i, (i < n)%nat -> 0 < omega i * (z - x i)) ->
  Rabs (phi n alpha omega x z) <= total n (fun i => Rabs (alpha i) / (PI * (omega i * (z - x i)))).
Proof.
intros H. eapply Rle_trans; [apply total_abs|]. apply total_le; intros i Hi. specialize (H i Hi).
rewrite Rabs_mult. unfold Rdiv. apply Rmult_le_compat_l; [apply Rabs_pos|].
eapply Rle_trans; [apply sinc_decay; lra|]. rewrite (Rabs_right (omega i * (z - x i))) by lra. lra.
Qed.

(* at alpha = 0 neither B A nor the bandwidths get a gradient *)
Theorem phi_moves_little n alpha omega x z h :
  Rabs (phi n alpha omega x (z + h) - phi n alpha omega x z) <=
  total n (fun i => PI / 2 * (Rabs (omega i) * Rabs h * Rabs (alpha i))).
Proof.
unfold phi.
replace (total n (fun i => alpha i * sinc (omega i * (z + h - x i))) - total n (fun i => alpha i * sinc (omega i * (z - x i))))
  with (total n (fun i => alpha i * sinc (omega i * (z + h - x i)) + -1 * (alpha i * sinc (omega i * (z - x i)))))
  by (rewrite total_plus, total_scale; ring).
eapply Rle_trans; [apply total_abs|]. apply total_le; intros.
replace (alpha i * sinc (omega i * (z + h - x i)) + -1 * (alpha i * sinc (omega i * (z - x i))))
  with (alpha i * (sinc (omega i * (z + h - x i)) - sinc (omega i * (z - x i)))) by ring.
rewrite Rabs_mult. eapply Rle_trans; [apply Rmult_le_compat_l; [apply Rabs_pos|apply sinc_lipschitz]|].
replace (omega i * (z + h - x i) - omega i * (z - x i)) with (omega i * h) by ring. rewrite Rabs_mult. apply Req_le; ring.
Qed.
Theorem phi_moves_little_with_bandwidths n alpha omega x z h :
  Rabs (phi n alpha (fun i => omega i + h) x z - phi n alpha omega x z) <=
  total n (fun i => PI / 2 * (Rabs h * (Rabs (alpha i) * Rabs (z - x i)))).
Proof.
unfold phi.
replace (total n (fun i => alpha i * sinc ((omega i + h) * (z - x i))) - total n (fun i => alpha i * sinc (omega i * (z - x i))))
  with (total n (fun i => alpha i * sinc ((omega i + h) * (z - x i)) + -1 * (alpha i * sinc (omega i * (z - x i)))))
  by (rewrite total_plus, total_scale; ring).
eapply Rle_trans; [apply total_abs|]. apply total_le; intros.
replace (alpha i * sinc ((omega i + h) * (z - x i)) + -1 * (alpha i * sinc (omega i * (z - x i))))
  with (alpha i * (sinc ((omega i + h) * (z - x i)) - sinc (omega i * (z - x i)))) by ring.
rewrite Rabs_mult. eapply Rle_trans; [apply Rmult_le_compat_l; [apply Rabs_pos|apply sinc_lipschitz]|].
replace ((omega i + h) * (z - x i) - omega i * (z - x i)) with (h * (z - x i)) by ring. rewrite Rabs_mult. apply Req_le; ring.
Qed.

(* tanh: x - x^3 / 3 <= tanh x <= x for x >= 0, and so |sigmoid(t) - 1/2| <= |t| / 4 *)
Definition th x := 1 - 2 / (exp (2 * x) + 1).
Lemma th_derive x : is_derive th x (1 - th x ^ 2).
Proof. unfold th. pose proof (exp_pos (2 * x)). auto_derive; [lra|]. field. lra. Qed.
Lemma th_0 : th 0 = 0.
Proof. unfold th. rewrite Rmult_0_r, exp_0. field. Qed.
Lemma th_between x : 0 <= x -> 0 <= th x <= x.
Proof.
intros [Hx|<-]; [|rewrite th_0; lra].
destruct (MVT_gen th 0 x (fun t => 1 - th t ^ 2)) as [c [Hc E]].
- intros t _. apply th_derive.
- intros t _. apply continuity_pt_filterlim. apply (ex_derive_continuous th). eexists; apply th_derive.
- rewrite th_0 in E. pose proof (pow2_ge_0 (th c)).
  assert (th c ^ 2 <= 1). { unfold th. pose proof (exp_pos (2 * c)).
    assert (P : 0 < 2 / (exp (2 * c) + 1) < 2).
    { split; [apply Rdiv_lt_0_compat; lra|]. apply Rmult_lt_reg_r with (exp (2 * c) + 1); [lra|].
      unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra. }
    set (q := 2 / (exp (2 * c) + 1)) in *. assert (0 <= q * (2 - q)) by (apply Rmult_le_pos; lra).
    replace ((1 - q) ^ 2) with (1 - q * (2 - q)) by ring. lra. }
  assert (0 <= (1 - th c ^ 2) * (x - 0) <= 1 * (x - 0)); [|lra].
  split; [apply Rmult_le_pos; lra|apply Rmult_le_compat_r; lra].
Qed.
Theorem tanh_cubic x : 0 <= x -> x - x ^ 3 / 3 <= th x <= x.
Proof.
intros Hx. split; [|apply th_between, Hx]. destruct Hx as [Hx|<-]; [|rewrite th_0; lra].
destruct (MVT_gen (fun t => th t - (t - t ^ 3 / 3)) 0 x (fun t => (1 - th t ^ 2) - (1 - t ^ 2))) as [c [Hc E]].
- intros t _. apply (is_derive_minus th (fun t => t - t ^ 3 / 3)); [apply th_derive|]. auto_derive; auto. field.
- intros t _. apply continuity_pt_filterlim. apply (ex_derive_continuous (fun t => th t - (t - t ^ 3 / 3))).
  eexists. apply (is_derive_minus th (fun t => t - t ^ 3 / 3)); [apply th_derive|]. auto_derive; auto.
- rewrite Rmin_left, Rmax_right in Hc by lra. rewrite th_0 in E. pose proof (th_between c ltac:(lra)).
  assert (th c ^ 2 <= c ^ 2) by (apply pow_incr; lra).
  assert (0 <= (1 - th c ^ 2 - (1 - c ^ 2)) * (x - 0)) by (apply Rmult_le_pos; lra). lra.
Qed.
Theorem sigmoid_near_half t : Rabs (1 / (1 + exp (- t)) - 1 / 2) <= Rabs t / 4.
Proof.
assert (E : forall s, 1 / (1 + exp (- s)) - 1 / 2 = th (s / 2) / 2).
{ intros s. unfold th. replace (2 * (s / 2)) with s by field. rewrite exp_Ropp. pose proof (exp_pos s). field. lra. }
assert (P : forall s, 0 <= s -> Rabs (1 / (1 + exp (- s)) - 1 / 2) <= s / 4).
{ intros s Hs. rewrite E. pose proof (th_between (s / 2) ltac:(lra)). rewrite Rabs_right; lra. }
destruct (Rle_or_lt 0 t) as [H|H]; [rewrite (Rabs_right t) by lra; auto|].
rewrite (Rabs_left t) by lra. replace (1 / (1 + exp (- t)) - 1 / 2) with (- (1 / (1 + exp (- - t)) - 1 / 2)).
- rewrite Rabs_Ropp. apply P. lra.
- rewrite Ropp_involutive, exp_Ropp. pose proof (exp_pos t). field. lra.
Qed.

(* Sinter'(x) = 1 + A sin(omega x) + A omega x cos(omega x), as a Taylor remainder *)
Theorem sinter_slope A w x h : 0 <= A -> 0 <= w -> 0 <= h ->
  let f t := t + A * t * sin (w * t) in
  Rabs (f (x + h) - f x - h * (1 + A * sin (w * x) + A * w * x * cos (w * x))) <=
  h * h * A * w * (2 + w * (Rabs x + h)) / 2.
Proof.
intros HA Hw Hh f. unfold f. set (p := w * x). replace (w * (x + h)) with (p + w * h) by (unfold p; ring).
replace (x + h + A * (x + h) * sin (p + w * h) - (x + A * x * sin p) - h * (1 + A * sin p + A * w * x * cos p))
  with (A * x * (sin (p + w * h) - sin p - w * h * cos p) + A * h * (sin (p + w * h) - sin p)) by ring.
eapply Rle_trans; [apply Rabs_triang|]. rewrite !Rabs_mult, (Rabs_right A), (Rabs_right h) by lra.
assert (P := second_order p (w * h)).
assert (Q : Rabs (sin (p + w * h) - sin p) <= w * h).
{ destruct (MVT_gen sin p (p + w * h) cos) as [c [_ E]].
  - intros t _. auto_derive; auto. ring.
  - intros t _. apply continuity_pt_filterlim, (ex_derive_continuous sin). auto_derive; auto.
  - rewrite E. replace (p + w * h - p) with (w * h) by ring. assert (0 <= w * h) by (apply Rmult_le_pos; auto).
    rewrite Rabs_mult, (Rabs_right (w * h)) by lra. rewrite <- (Rmult_1_l (w * h)) at 2.
    apply Rmult_le_compat_r; [auto|apply Rabs_le, COS_bound]. }
pose proof (Rabs_pos x).
assert (A * Rabs x * Rabs (sin (p + w * h) - sin p - w * h * cos p) <= A * Rabs x * ((w * h) ^ 2 / 2))
  by (apply Rmult_le_compat_l; [apply Rmult_le_pos; auto|auto]).
assert (A * h * Rabs (sin (p + w * h) - sin p) <= A * h * (w * h))
  by (apply Rmult_le_compat_l; [apply Rmult_le_pos; auto|auto]).
assert (0 <= A * (w * h) ^ 2 * h / 2)
  by (apply Rmult_le_pos; [apply Rmult_le_pos; [apply Rmult_le_pos; [auto|apply pow2_ge_0]|auto]|lra]).
replace (h * h * A * w * (2 + w * (Rabs x + h)) / 2) with
  (A * Rabs x * ((w * h) ^ 2 / 2) + A * h * (w * h) + A * (w * h) ^ 2 * h / 2) by field. lra.
Qed.

(* entries of U V^T where all of U and V are below 1 / N in size: N^2 |A_ij| < k *)
Theorem entries_of_the_law k N (u v : nat -> R) : (0 < k)%nat -> 0 < N ->
  (forall t, (t < k)%nat -> Rabs (u t) * N < 1) -> (forall t, (t < k)%nat -> Rabs (v t) * N < 1) ->
  N ^ 2 * Rabs (total k (fun t => u t * v t)) < INR k.
Proof.
intros Hk HN Hu Hv.
assert (T : forall t, (t < k)%nat -> N ^ 2 * Rabs (u t * v t) < 1).
{ intros t Ht. rewrite Rabs_mult. specialize (Hu t Ht). specialize (Hv t Ht).
  replace (N ^ 2 * (Rabs (u t) * Rabs (v t))) with ((Rabs (u t) * N) * (Rabs (v t) * N)) by ring.
  replace 1 with (1 * 1) by ring. pose proof (Rabs_pos (u t)). pose proof (Rabs_pos (v t)).
  apply Rmult_le_0_lt_compat; auto; apply Rmult_le_pos; lra. }
assert (S : forall j, (j <= k)%nat -> (0 < j)%nat -> N ^ 2 * total j (fun t => Rabs (u t * v t)) < INR j).
{ induction j as [|j IH]; intros Hj Hp; [lia|]. rewrite S_INR; cbn [total]. specialize (T j ltac:(lia)).
  destruct j as [|j]; [simpl; simpl in T; lra|]. specialize (IH ltac:(lia) ltac:(lia)). lra. }
eapply Rle_lt_trans; [|apply (S k); lia]. apply Rmult_le_compat_l; [apply pow2_ge_0|]. apply total_abs.
Qed.
