(* Weyl's inequality for real matrices of any size m x n. The standard library has no singular values. They are written
   here as Courant and Fischer characterise them: for c >= 0, sigma_{k+1}(X) <= c says that there are k vectors such that
   ||X x|| <= c ||x|| for every x that is orthogonal to all of them. *)
Require Import Reals Lra Lia.
From Rankkit Require Import sine.
From Rankkit Require Import matrices.
From Rankkit Require Import functions.
From Rankkit Require Import corrections.
Local Open Scope R_scope.

Definition dot n (v x : nat -> R) : R := total n (fun j => v j * x j).
Definition square n (x : nat -> R) : R := total n (fun j => x j ^ 2).

(* sigma_{k+1}(X) <= c *)
Definition sigma_after m n k (X : nat -> nat -> R) (c : R) : Prop :=
  exists V : nat -> nat -> R, forall x, (forall q, (q < k)%nat -> dot n (V q) x = 0) ->
  length2 m n X x <= c ^ 2 * square n x.

(* Minkowski's inequality, for squared lengths and without roots *)
Lemma lengths_add m f g c d s : 0 <= c -> 0 <= d -> 0 <= s ->
  total m (fun i => f i ^ 2) <= c ^ 2 * s -> total m (fun i => g i ^ 2) <= d ^ 2 * s ->
  total m (fun i => (f i + g i) ^ 2) <= (c + d) ^ 2 * s.
Proof.
intros Hc Hd Hs Hf Hg. pose proof (cauchy_schwarz m f g) as CS.
assert (E : total m (fun i => (f i + g i) ^ 2) =
  total m (fun i => f i ^ 2) + 2 * total m (fun i => f i * g i) + total m (fun i => g i ^ 2)).
{ rewrite <- total_scale, <- !total_plus. apply total_ext; intros; ring. }
assert (P : 0 <= total m (fun i => f i ^ 2)) by (apply total_ge0; intros; apply pow2_ge_0).
assert (Q : 0 <= total m (fun i => g i ^ 2)) by (apply total_ge0; intros; apply pow2_ge_0).
rewrite E. set (p := total m (fun i => f i ^ 2)) in *. set (q := total m (fun i => g i ^ 2)) in *.
set (t := total m (fun i => f i * g i)) in *. clearbody p q t.
assert (0 <= c * d * s) by (repeat apply Rmult_le_pos; auto).
assert (T : t <= c * d * s).
{ destruct (Rle_or_lt t 0); [lra|]. apply Rsqr_incr_0_var; auto. rewrite !Rsqr_pow2.
  apply Rle_trans with (p * q); [exact CS|]. replace ((c * d * s) ^ 2) with ((c ^ 2 * s) * (d ^ 2 * s)) by ring.
  apply Rmult_le_compat; auto. }
replace ((c + d) ^ 2 * s) with (c ^ 2 * s + 2 * (c * d * s) + d ^ 2 * s) by ring. lra.
Qed.

(* Weyl: sigma_{k+l+1}(X + Y) <= sigma_{k+1}(X) + sigma_{l+1}(Y) *)
Theorem weyl m n k l (X Y : nat -> nat -> R) c d : 0 <= c -> 0 <= d ->
  sigma_after m n k X c -> sigma_after m n l Y d ->
  sigma_after m n (k + l) (fun i j => X i j + Y i j) (c + d).
Proof.
intros Hc Hd [V HV] [W HW]. exists (fun q => if Nat.ltb q k then V q else W (q - k)%nat). intros x H.
assert (A : length2 m n X x <= c ^ 2 * square n x).
{ apply HV. intros q Hq. specialize (H q ltac:(lia)). rewrite (proj2 (Nat.ltb_lt q k) Hq) in H. exact H. }
assert (B : length2 m n Y x <= d ^ 2 * square n x).
{ apply HW. intros q Hq. specialize (H (k + q)%nat ltac:(lia)).
  rewrite (proj2 (Nat.ltb_ge (k + q) k) ltac:(lia)) in H. replace (k + q - k)%nat with q in H by lia. exact H. }
unfold length2 in *.
replace (total m (fun i => total n (fun j => (X i j + Y i j) * x j) ^ 2)) with
  (total m (fun i => (total n (fun j => X i j * x j) + total n (fun j => Y i j * x j)) ^ 2)).
- apply lengths_add; auto. apply total_ge0; intros; apply pow2_ge_0.
- apply total_ext; intros i Hi. f_equal. rewrite <- total_plus. apply total_ext; intros. ring.
Qed.

(* a matrix u v^T has no second singular value *)
Theorem sigma_rank_one m n (u v : nat -> R) : sigma_after m n 1 (fun i j => u i * v j) 0.
Proof.
exists (fun _ => v). intros x H. specialize (H 0%nat ltac:(lia)). unfold dot in H. unfold length2.
apply Req_le. rewrite (total_ext m _ (fun _ => 0)).
- rewrite total_const. ring.
- intros i Hi. rewrite (total_ext n _ (fun j => u i * (v j * x j))) by (intros; ring).
  rewrite total_scale, H. ring.
Qed.

(* Weyl for a rank-one perturbation: sigma_{k+2}(X + u v^T) <= sigma_{k+1}(X). With -u in place of u it also bounds
   sigma_{k+2}(X) by sigma_{k+1}(X + u v^T), so that the singular values interlace *)
Theorem weyl_rank_one m n k (X : nat -> nat -> R) (u v : nat -> R) c : 0 <= c ->
  sigma_after m n k X c -> sigma_after m n (k + 1) (fun i j => X i j + u i * v j) c.
Proof.
intros Hc HX. replace c with (c + 0) by ring. apply weyl; auto; [lra|apply sigma_rank_one].
Qed.

(* no singular value exceeds the Frobenius norm *)
Theorem sigma_frobenius m n (X : nat -> nat -> R) : sigma_after m n 0 X (frobenius m n X).
Proof.
exists (fun _ _ => 0). intros x _. unfold frobenius.
rewrite pow2_sqrt by (apply entries_ge0; intros; apply pow2_ge_0).
rewrite Rmult_comm. unfold entries, length2, square. rewrite <- total_scale. apply total_le; intros i Hi.
rewrite Rmult_comm. apply cauchy_schwarz.
Qed.

(* a perturbation E moves every singular value by at most ||E||_F *)
Theorem weyl_frobenius m n k (X E : nat -> nat -> R) c : 0 <= c ->
  sigma_after m n k X c -> sigma_after m n k (fun i j => X i j + E i j) (c + frobenius m n E).
Proof.
intros Hc HX. replace k with (k + 0)%nat by lia. apply weyl; auto; [apply sqrt_pos|apply sigma_frobenius].
Qed.

(* a perturbation that stretches nothing by more than e moves every singular value by at most e *)
Theorem weyl_norm m n k (X E : nat -> nat -> R) c e : 0 <= c -> 0 <= e ->
  (forall x, length2 m n E x <= e ^ 2 * square n x) ->
  sigma_after m n k X c -> sigma_after m n k (fun i j => X i j + E i j) (c + e).
Proof.
intros Hc He HE HX. replace k with (k + 0)%nat by lia. apply weyl; auto. exists (fun _ _ => 0). auto.
Qed.

(* sigma_{k+1}(omega M) <= sigma_{k+1}(sin(omega M)) + ||sin(omega M) - omega M|| *)
Theorem weyl_sine m n k (M : nat -> nat -> R) w c e : 0 <= c -> 0 <= e ->
  (forall x, length2 m n (fun i j => sin (w * M i j) - w * M i j) x <= e ^ 2 * square n x) ->
  sigma_after m n k (fun i j => sin (w * M i j)) c -> sigma_after m n k (fun i j => w * M i j) (c + e).
Proof.
intros Hc He HE HX.
assert (E : forall x, length2 m n (fun i j => w * M i j - sin (w * M i j)) x <= e ^ 2 * square n x).
{ intros x. eapply Rle_trans; [|apply HE]. apply Req_le, total_ext. intros i Hi.
  rewrite (total_ext n _ (fun j => - 1 * ((sin (w * M i j) - w * M i j) * x j))) by (intros; ring).
  rewrite total_scale. ring. }
destruct (weyl_norm m n k _ _ c e Hc He E HX) as [V HV]. exists V. intros x Hx.
eapply Rle_trans; [|apply (HV x Hx)]. apply Req_le, total_ext. intros i Hi. f_equal.
apply total_ext. intros. ring.
Qed.
