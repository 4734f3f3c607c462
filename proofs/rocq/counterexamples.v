(* Printed statements that fail, as theorems: the negation of what is printed, at one instance. *)
Require Import Reals Lra.
Local Open Scope R_scope.

Lemma pi_above_3 : 3 < PI.
Proof. pose proof PI2_3_2. lra. Qed.

(* Lemma 1 of Sine-LoRA at A = (1), omega = 1: sin(1)^2 < 1 *)
Theorem lemma1_fails : exists A w, 0 < A /\ 0 < w < PI / (3 * A) /\ ~ (sin (w * A) ^ 2 >= w ^ 2 * A).
Proof.
exists 1, 1. pose proof pi_above_3. split; [lra|]. split; [lra|]. apply Rlt_not_ge. rewrite Rmult_1_r.
assert (sin 1 < 1) by (apply sin_lt_x; lra). assert (0 < sin 1) by (apply sin_gt_0; lra).
replace (1 ^ 2 * 1) with (1 * 1) by ring. replace (sin 1 ^ 2) with (sin 1 * sin 1) by ring.
apply Rmult_le_0_lt_compat; lra.
Qed.

(* equation (20) at A = (1, -1), x = (1, -1), omega = 1: signs that cancel on the right do not on the left *)
Theorem eq20_fails : exists a b x y w, 0 <= w /\
  ~ ((sin (w * a) * x + sin (w * b) * y) ^ 2 <= (sqrt (w * Rabs a) * x + sqrt (w * Rabs b) * y) ^ 2).
Proof.
exists 1, (-1), 1, (-1), 1. split; [lra|]. apply Rlt_not_le.
replace (1 * 1) with 1 by ring. replace (1 * -1) with (- (1)) by ring. rewrite sin_neg, (Rabs_left (-1)) by lra.
replace (- -1) with 1 by ring. rewrite Rabs_R1.
pose proof pi_above_3. assert (0 < sin 1) by (apply sin_gt_0; lra).
replace ((sin 1 * 1 + - sin 1 * -1) ^ 2) with (4 * (sin 1 * sin 1)) by ring.
match goal with |- ?x < _ => replace x with 0 by ring end.
apply Rmult_lt_0_compat; [lra|apply Rmult_lt_0_compat; lra].
Qed.

(* Proposition 1 at A = (1), omega = pi / 3: the right side is pi / 3 > 1, the rank of a 1 x 1 matrix at most 1 *)
Theorem prop1_fails : exists A w, 0 < A /\ 0 <= w <= PI / (3 * A) /\ ~ (1 >= w * (A / sqrt A) ^ 2).
Proof.
exists 1, (PI / 3). pose proof pi_above_3. rewrite sqrt_1. split; [lra|]. split; [split; lra|]. lra.
Qed.

(* the perturbation A x sin(omega x) is not bounded by A *)
Theorem perturbation_exceeds : exists x A w, 0 < A <= 1 /\ ~ (Rabs (A * x * sin (w * x)) <= A).
Proof.
exists (PI / 2), 1, 1. pose proof pi_above_3. split; [lra|]. apply Rlt_not_le.
rewrite !Rmult_1_l, sin_PI2, Rmult_1_r, Rabs_right; lra.
Qed.

(* tanh is not within a tenth of x up to 2 *)
Theorem tanh_not_linear : exists x, 0 < x < 2 /\ ~ ((1 - 2 / (exp (2 * x) + 1)) >= 9 / 10 * x).
Proof.
exists 1. split; [lra|]. apply Rlt_not_ge. replace (2 * 1) with (1 + 1) by ring. rewrite exp_plus.
pose proof exp_le_3. pose proof (exp_pos 1).
assert (exp 1 * exp 1 <= 3 * 3) by (apply Rmult_le_compat; lra).
assert (0 < exp 1 * exp 1) by (apply Rmult_lt_0_compat; auto).
assert (2 / 10 <= 2 / (exp 1 * exp 1 + 1)); [|lra].
apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; lra.
Qed.

(* r + (d - r)(1 - exp(-c omega)) is concave, not convex: no S shape *)
Theorem interpolation_concave d r c w h : r < d -> 0 < c -> 0 < h ->
  let f t := r + (d - r) * (1 - exp (- c * t)) in f w + f (w + 2 * h) < 2 * f (w + h).
Proof.
intros Hd Hc Hh f. unfold f.
replace (- c * (w + 2 * h)) with (- c * w + (- c * h + - c * h)) by ring.
replace (- c * (w + h)) with (- c * w + - c * h) by ring. rewrite !exp_plus.
assert (E : exp (- c * h) < 1). { rewrite <- exp_0. apply exp_increasing. assert (0 < c * h) by (apply Rmult_lt_0_compat; auto). lra. }
pose proof (exp_pos (- c * w)).
assert (0 < (d - r) * (exp (- c * w) * ((1 - exp (- c * h)) * (1 - exp (- c * h))))); [|lra].
apply Rmult_lt_0_compat; [lra|]. apply Rmult_lt_0_compat; [auto|]. apply Rmult_lt_0_compat; lra.
Qed.

(* sin(omega M) x and sin(omega M x) need not agree in sign *)
Theorem forms_differ_in_sign : exists M x w, sin (w * M) * x * sin (w * M * x) < 0.
Proof.
exists 1, 2, (3 * (PI / 4)). pose proof pi_above_3.
assert (0 < sin (3 * (PI / 4))) by (apply sin_gt_0; lra).
replace (3 * (PI / 4) * 1) with (3 * (PI / 4)) by ring.
replace (3 * (PI / 4) * 2) with (3 * (PI / 2)) by field. rewrite sin_3PI2. lra.
Qed.
