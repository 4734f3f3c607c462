(* Ranks of products, sums, entrywise products and entrywise functions of matrices of any size, over any field. *)
From mathcomp Require Import all_ssreflect all_algebra.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Ranks.
Variable F : fieldType.

(* rank (B A) <= r *)
Theorem rank_product m r n (B : 'M[F]_(m, r)) (A : 'M[F]_(r, n)) : (\rank (B *m A) <= r)%N.
Proof. exact: mulmx_max_rank. Qed.

(* rank (X + Y) <= rank X + rank Y *)
Theorem rank_sum m n (X Y : 'M[F]_(m, n)) : (\rank (X + Y)%R <= \rank X + \rank Y)%N.
Proof. exact: mxrank_add. Qed.

(* two updates of rank r add up to rank at most 2 r *)
Theorem rank_two_updates m r n (B C : 'M[F]_(m, r)) (A D : 'M[F]_(r, n)) :
  (\rank (B *m A + C *m D)%R <= 2 * r)%N.
Proof.
apply: (leq_trans (rank_sum _ _)).
by rewrite mul2n -addnn leq_add // rank_product.
Qed.

(* no matrix has a rank above its number of rows or columns *)
Theorem rank_at_most_sides m n (X : 'M[F]_(m, n)) : (\rank X <= minn m n)%N.
Proof. by rewrite leq_min rank_leq_row rank_leq_col. Qed.

(* rank (W + s B A) <= rank W + r *)
Theorem rank_adapted m r n (W : 'M[F]_(m, n)) (B : 'M[F]_(m, r)) (A : 'M[F]_(r, n)) (s : F) :
  (\rank (W + s *: (B *m A))%R <= \rank W + r)%N.
Proof.
apply: (leq_trans (rank_sum _ _)); rewrite leq_add2l.
by rewrite scalemxAl; exact: rank_product.
Qed.

(* what is a sum of products over a finite index set has rank at most the size of that set *)
Theorem rank_separable (T : finType) m n (f : 'I_m -> T -> F) (g : T -> 'I_n -> F) (X : 'M[F]_(m, n)) :
  (forall i j, X i j = \sum_(t : T) f i t * g t j) -> (\rank X <= #|T|)%N.
Proof.
move=> eqX.
pose P : 'M[F]_(m, #|T|) := \matrix_(i, k) f i (enum_val k).
pose Q : 'M[F]_(#|T|, n) := \matrix_(k, j) g (enum_val k) j.
suff -> : X = P *m Q.
  exact: (@rank_product m #|T| n).
apply/matrixP=> i j; rewrite eqX mxE (reindex_onto (@enum_val T predT) enum_rank) /=; last first.
  by move=> t _; rewrite enum_rankK.
by apply: eq_big => [k|k _]; rewrite ?enum_valK ?eqxx // !mxE.
Qed.

(* the rank of an entrywise product is at most the product of the ranks *)
Theorem rank_entrywise_product m n p q (B : 'M[F]_(m, p)) (A : 'M[F]_(p, n)) (C : 'M[F]_(m, q)) (D : 'M[F]_(q, n)) :
  (\rank (\matrix_(i, j) ((B *m A) i j * (C *m D) i j))%R <= p * q)%N.
Proof.
have := @rank_separable [finType of 'I_p * 'I_q] m n (fun i t => B i t.1 * C i t.2) (fun t j => A t.1 j * D t.2 j)
  (\matrix_(i, j) ((B *m A) i j * (C *m D) i j))%R.
rewrite card_prod !card_ord; apply => i j; rewrite !mxE big_distrlr /= pair_bigA /=.
by apply: eq_bigr => t _; rewrite mulrACA.
Qed.

(* the entrywise power q of B A has rank at most C(r + q - 1, q): one for each multiset of q of the r columns *)
Theorem rank_entrywise_power m n r q (B : 'M[F]_(m, r.+1)) (A : 'M[F]_(r.+1, n)) :
  (\rank (\matrix_(i, j) ((B *m A) i j ^+ q))%R <= 'C(q + r, q))%N.
Proof.
pose S := [set t : q.-tuple 'I_r.+1 | sorted leq [seq val i | i <- t]].
pose ord := (fun a b : 'I_r.+1 => (val a <= val b)%N).
have tot : total ord by move=> a b; exact: leq_total.
have srt (f : {ffun 'I_q -> 'I_r.+1}) : size (sort ord (codom f)) == q by rewrite size_sort size_codom card_ord.
pose s (f : {ffun 'I_q -> 'I_r.+1}) : q.-tuple 'I_r.+1 := Tuple (srt f).
have sS f : s f \in S.
  rewrite inE sorted_map /=; exact: (sort_sorted tot).
pose p m' (X : 'I_m' -> 'I_r.+1 -> F) i (t : q.-tuple 'I_r.+1) := \prod_(k <- t) X i k.
have ps m' (X : 'I_m' -> 'I_r.+1 -> F) i (f : {ffun 'I_q -> 'I_r.+1}) : \prod_k X i (f k) = p m' X i (s f).
  rewrite /p /= (perm_big (codom f)) /=; last by rewrite perm_sort.
  by rewrite codomE big_map enumT.
rewrite -(card_sorted_tuples q r) cardsE /= -/S.
have := @rank_separable [finType of {t : q.-tuple 'I_r.+1 | t \in S}] m n
  (fun i t => p m (fun i k => B i k) i (val t))
  (fun t j => \sum_(f : {ffun 'I_q -> 'I_r.+1} | s f == val t) p n (fun j k => A k j) j (val t)).
rewrite card_sig => H; rewrite [X in (_ <= X)%N](_ : _ = #|[pred x | x \in S]|); last first.
  by apply: eq_card => x; rewrite !inE.
apply: H => i j; rewrite !mxE.
have -> : (\sum_k B i k * A k j) ^+ q = \prod_(l < q) \sum_k B i k * A k j by rewrite prodr_const card_ord.
rewrite bigA_distr_bigA /=.
rewrite (partition_big (fun f => exist (fun t => t \in S) (s f) (sS f)) predT) //=.
apply: eq_bigr => t _; rewrite mulr_sumr.
apply: eq_big => [f|f /eqP <-]; first by rewrite -val_eqE.
by rewrite big_split /= (ps m (fun i k => B i k)) (ps n (fun j k => A k j)).
Qed.

(* a polynomial of the entries of B A has rank at most C(q + r - 1, q) for each power q that it has, r columns in B *)
Theorem rank_polynomial m n r D (c : nat -> F) (B : 'M[F]_(m, r.+1)) (A : 'M[F]_(r.+1, n)) :
  (\rank (\matrix_(i, j) \sum_(q < D.+1) c q * (B *m A) i j ^+ q)%R <=
   \sum_(q < D.+1 | c q != 0%R) 'C(q + r, q))%N.
Proof.
have -> : \matrix_(i, j) (\sum_(q < D.+1) c q * (B *m A) i j ^+ q) =
    \sum_(q < D.+1 | c q != 0) c q *: (\matrix_(i, j) (B *m A) i j ^+ q) :> 'M[F]_(m, n).
  apply/matrixP=> i j; rewrite !mxE summxE (bigID (fun q : 'I_D.+1 => c q != 0)) /= [X in _ + X]big1 ?addr0.
    by apply: eq_bigr => q _; rewrite !mxE.
  by move=> q; rewrite negbK => /eqP ->; rewrite mul0r.
elim/big_rec2: _ => [|q k X _ le]; first by rewrite mxrank0.
apply: (leq_trans (rank_sum _ _)); apply: leq_add => //.
apply: leq_trans (rank_entrywise_power q B A).
by rewrite -mul_scalar_mx mxrankM_maxr.
Qed.

(* all powers up to D together: C(r + D, D) *)
Theorem powers_together r D : (\sum_(q < D.+1) 'C(q + r, q) = 'C(r.+1 + D, D))%N.
Proof.
elim: D => [|D IH]; first by rewrite big_ord_recl big_ord0 addn0 !bin0.
rewrite big_ord_recr /= IH addnS binS addnC; congr (_ + _)%N.
  by congr 'C(_, _); rewrite addSnnS addnC.
Qed.

(* equal rows, up to a sign, stay so under an odd function: it gives no more rank than there are kinds of rows *)
Theorem rank_odd_of_kinds m n p (phi : F -> F) (C : 'M[F]_(p, n)) (kind : 'I_m -> 'I_p) (sign : 'I_m -> bool) :
  (forall x, phi (- x) = - phi x) ->
  (\rank (\matrix_(i < m, j < n) phi ((-1) ^+ sign i * C (kind i) j))%R <= p)%N.
Proof.
move=> odd.
have -> : \matrix_(i < m, j < n) phi ((-1) ^+ sign i * C (kind i) j) =
    (\matrix_(i < m, k < p) ((-1) ^+ sign i *+ (k == kind i))) *m (\matrix_(k < p, j < n) phi (C k j)).
  apply/matrixP=> i j; rewrite !mxE (bigD1 (kind i)) //= !mxE eqxx mulr1n big1 ?addr0 => [|k /negbTE nk]; last first.
    by rewrite !mxE nk mulr0n mul0r.
  by case: (sign i); rewrite ?expr1 ?expr0 ?mul1r ?mulN1r ?odd.
exact: rank_product.
Qed.

(* the Jacobian of x -> phi(omega(x) B A x) is diag(d) B (omega A + A x slope): its rank is at most r *)
Theorem rank_function_form m r n (d : 'rV[F]_m) (B : 'M[F]_(m, r)) (A : 'M[F]_(r, n)) (omega : F)
  (x : 'cV[F]_n) (slope : 'rV[F]_n) :
  (\rank (diag_mx d *m (omega *: (B *m A) + (B *m A *m x) *m slope))%R <= r)%N.
Proof.
have -> : diag_mx d *m (omega *: (B *m A) + (B *m A *m x) *m slope) =
    (diag_mx d *m B) *m (omega *: A + (A *m x) *m slope).
  by rewrite scalemxAr -!mulmxA -mulmxDr.
exact: rank_product.
Qed.

(* merging is exact: (W + U) X = W X + U X *)
Theorem merge_exact m n k (W U : 'M[F]_(m, n)) (X : 'M[F]_(n, k)) : (W + U) *m X = W *m X + U *m X.
Proof. exact: mulmxDl. Qed.

(* one mask on the input of both paths preserves the merge *)
Theorem merge_under_one_mask m n k (W U : 'M[F]_(m, n)) (X D : 'M[F]_(n, k)) :
  let masked := \matrix_(i, j) (D i j * X i j) in (W + U) *m masked = W *m masked + U *m masked.
Proof. exact: mulmxDl. Qed.

(* the j-th column of A's gradient needs the j-th column of the dense gradient alone *)
Theorem gradient_by_columns m n k r (B : 'M[F]_(m, r)) (G : 'M[F]_(m, k)) (X : 'M[F]_(n, k)) (slope : 'M[F]_(m, n)) j :
  col j (B^T *m (\matrix_(i, l) ((G *m X^T) i l * slope i l))) =
  B^T *m (\col_i ((G *m (row j X)^T) i 0 * slope i j)).
Proof.
apply/matrixP=> i l; rewrite !mxE; apply: eq_bigr => k' _; rewrite !mxE; congr (_ * (_ * _)).
by apply: eq_bigr => t _; rewrite !mxE.
Qed.

(* the Jacobian of (b, a) -> phi(b a) for a column b and a row a, entry by entry: its rank is at most m + n - 1 *)
Theorem rank_jacobian m n q (b : 'I_m -> F) (a : 'I_n -> F) (slope : 'I_q -> F) (row : 'I_q -> 'I_m)
  (column : 'I_q -> 'I_n) (J : 'M[F]_(m + n, q)) :
  (forall k p, J (lshift n k) p = (k == row p)%:R * a (column p) * slope p) ->
  (forall k p, J (rshift m k) p = (k == column p)%:R * b (row p) * slope p) ->
  (0 < m + n)%N -> (\rank J <= m + n - 1)%N.
Proof.
move=> top bottom some.
pose u : 'rV[F]_(m + n) := row_mx (\row_i b i) (\row_j (- a j)).
have uJ : u *m J = 0.
  apply/rowP => p; rewrite mxE big_split_ord /= !mxE.
  rewrite (bigD1 (row p)) //= big1 ?addr0; last first.
    by move=> i ne; rewrite top (negbTE ne) !mul0r mulr0.
  rewrite (bigD1 (column p)) //= big1 ?addr0; last first.
    by move=> j ne; rewrite bottom (negbTE ne) !mul0r mulr0.
  rewrite top bottom !eqxx !mul1r /u row_mxEl row_mxEr !mxE mulNr.
  by rewrite mulrA [b _ * a _]mulrC -mulrA subrr.
have [u0|u0] := eqVneq u 0.
  have b0 i : b i = 0.
    by move/rowP/(_ (lshift n i)): u0; rewrite row_mxEl !mxE.
  have a0 j : a j = 0.
    by move/rowP/(_ (rshift m j)): u0; rewrite row_mxEr !mxE => /eqP; rewrite oppr_eq0 => /eqP.
  suff -> : J = 0 by rewrite mxrank0.
  apply/matrixP => k p; rewrite !mxE; case: (split_ordP k) => l ->.
    by rewrite top a0 mulr0 mul0r.
  by rewrite bottom b0 mulr0 mul0r.
have ker : (u <= kermx J)%MS by apply/sub_kermxP.
have r1 : (1 <= \rank (kermx J))%N.
  by apply: leq_trans (mxrankS ker); rewrite lt0n mxrank_eq0.
by rewrite mxrank_ker in r1; rewrite -subn_gt0 in r1 *; move: r1; rewrite !subn_gt0 => lt; rewrite subn1 -ltnS prednK // (leq_ltn_trans _ lt).
Qed.

End Ranks.
