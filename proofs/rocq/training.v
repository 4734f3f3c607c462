(* The start of LR-LoRA's training on a symmetric grid, and facts on the functions that the papers use. *)
Require Import Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
From Rankkit Require Import sine.
Local Open Scope R_scope.

(* a sum read backwards *)
Lemma total_reverse n f : total n (fun i => f (n - 1 - i)%nat) = total n f.
Proof.
induction n as [|n IH]; simpl; [reflexivity|].
assert (E : forall k g, total (S k) g = g O + total k (fun i => g (S i))).
{ induction k as [|k IHk]; intros g; simpl; [ring|]. specialize (IHk g). simpl in IHk. rewrite IHk. ring. }
change (total n (fun i => f (n - 0 - i)%nat) + f (n - 0 - n)%nat = total n f + f n).
rewrite Nat.sub_0_r, Nat.sub_diag.
replace (total n (fun i => f (n - i)%nat) + f O) with (total (S n) (fun i => f (n - i)%nat)) by (simpl; rewrite Nat.sub_diag; ring).
rewrite E, Nat.sub_0_r, Rplus_comm. f_equal. rewrite <- IH. apply total_ext; intros i Hi. f_equal. lia.
Qed.

(* a state of training at B A = 0: N amplitudes and bandwidths on a grid; mirror points are i and N - 1 - i *)
Definition symmetric (n : nat) (f : nat -> R) := forall i, (i < n)%nat -> f (n - 1 - i)%nat = f i.
Definition mirrored (n : nat) (x : nat -> R) := forall i, (i < n)%nat -> x (n - 1 - i)%nat = - x i.

(* phi'(0), for phi(z) = sum_i alpha_i s(omega_i (z - x_i)) with s even, so that its slope d is odd *)
Definition slope_at_zero n (alpha omega x : nat -> R) (d : R -> R) :=
  total n (fun i => alpha i * (omega i * d (omega i * (0 - x i)))).

(* the trap: with amplitudes and bandwidths equal at mirror points phi'(0) = 0, so that B and A get no gradient *)
Theorem trap_no_gradient n alpha omega x d : (forall t, d (- t) = - d t) ->
  symmetric n alpha -> symmetric n omega -> mirrored n x -> slope_at_zero n alpha omega x d = 0.
Proof.
intros odd Ha Ho Hx. unfold slope_at_zero.
assert (E : total n (fun i => alpha i * (omega i * d (omega i * (0 - x i)))) =
            -1 * total n (fun i => alpha i * (omega i * d (omega i * (0 - x i))))).
{ rewrite <- total_scale. rewrite <- (total_reverse n (fun i => -1 * _)). apply total_ext; intros i Hi.
  rewrite Ha, Ho, Hx by auto. replace (omega i * (0 - - x i)) with (- (omega i * (0 - x i))) by ring. rewrite odd. ring. }
lra.
Qed.

(* one step of gradient descent from B A = 0: the amplitudes' gradient is g s(omega_i x_i), the bandwidths'
   g alpha_i (- x_i) d(- omega_i x_i), where g is the sum of the entries of dL / d phi(B A) *)
Definition step (rate g : R) (s d : R -> R) (x : nat -> R) (state : (nat -> R) * (nat -> R)) :=
  (fun i => fst state i - rate * (g * s (snd state i * (0 - x i))),
   fun i => snd state i - rate * (g * (fst state i * ((0 - x i) * d (snd state i * (0 - x i)))))).
Fixpoint trained (k : nat) (rate g : nat -> R) s d x state :=
  match k with O => state | S j => step (rate j) (g j) s d x (trained j rate g s d x state) end.

(* the trap stays shut: from a symmetric start every later state is symmetric, whatever the rates and the loss *)
Theorem trap_for_ever n x s d rate g state k : (forall t, s (- t) = s t) -> (forall t, d (- t) = - d t) ->
  mirrored n x -> symmetric n (fst state) -> symmetric n (snd state) ->
  slope_at_zero n (fst (trained k rate g s d x state)) (snd (trained k rate g s d x state)) x d = 0.
Proof.
intros even odd Hx Ha Ho.
assert (P : forall j, symmetric n (fst (trained j rate g s d x state)) /\ symmetric n (snd (trained j rate g s d x state))).
{ induction j as [|j [I1 I2]]; [split; auto|]. simpl. set (st := trained j rate g s d x state) in *.
  split; intros i Hi; simpl; rewrite I1, I2, Hx by auto;
    replace (snd st i * (0 - - x i)) with (- (snd st i * (0 - x i))) by ring.
  - rewrite even. reflexivity.
  - rewrite odd. ring. }
destruct (P k). apply trap_no_gradient; auto.
Qed.

(* softplus stays positive, and so do the bandwidths *)
Theorem softplus_positive x : 0 < ln (1 + exp x).
Proof. rewrite <- ln_1. apply ln_increasing; [lra|]. pose proof (exp_pos x). lra. Qed.

(* 0 < sigma(t) < 1, so that omega_0 sigma(W x) lies strictly between 0 and omega_0 *)
Theorem sigmoid_between t : 0 < 1 / (1 + exp (- t)) < 1.
Proof.
pose proof (exp_pos (- t)). split; [apply Rdiv_lt_0_compat; lra|].
apply Rmult_lt_reg_r with (1 + exp (- t)); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra.
Qed.

(* the sine is not the identity on any interval: a merged sine layer loses something wherever it acts *)
Theorem sin_not_identity a b : a < b -> exists x, a < x < b /\ sin x <> x.
Proof.
intros H. assert (P : forall x, 0 < x -> sin x <> x) by (intros x Hx E; pose proof (sin_lt_x x Hx); lra).
destruct (Rle_or_lt 0 a) as [Ha|Ha].
- exists ((a + b) / 2). split; [lra|]. apply P. lra.
- exists ((a + Rmin b 0) / 2). pose proof (Rmin_l b 0). pose proof (Rmin_r b 0).
  assert (a < Rmin b 0) by (apply Rmin_glb_lt; lra). split; [lra|]. intros E.
  apply (P (- ((a + Rmin b 0) / 2))); [lra|]. rewrite sin_neg, E. reflexivity.
Qed.

(* x -> sin(omega m x) is no linear function of x: no matrix equals it *)
Theorem function_form_not_linear w m : 0 < w * m -> exists x, sin (w * m * (2 * x)) <> 2 * sin (w * m * x).
Proof.
intros H. exists (PI / 2 / (w * m)).
replace (w * m * (2 * (PI / 2 / (w * m)))) with PI by (field; split; intros E; subst; lra).
replace (w * m * (PI / 2 / (w * m))) with (PI / 2) by (field; split; intros E; subst; lra).
rewrite sin_PI, sin_PI2. lra.
Qed.
