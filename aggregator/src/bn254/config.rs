//! plonky2's configuration: F and its quadratic extension as everywhere, hashes over r.

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::extension::Extendable;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::{HashOut, RichField};
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::config::{AlgebraicHasher, GenericConfig, Hasher};
use sheaf_circuits::hash::{D, DIGEST_LEN, F};

use super::hasher::Bn254Hash;

/// How many public inputs a circuit of [`Bn254Config`] has.
pub const PUBLIC_INPUTS: usize = DIGEST_LEN;

/// The configuration of circuits that a circuit over BN254 verifies.
///
/// Such a circuit has exactly [`PUBLIC_INPUTS`] public inputs: see [`PublicInputsAsIs`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bn254Config;

impl GenericConfig<D> for Bn254Config {
    type F = F;
    type FE = QuadraticExtension<F>;
    type Hasher = Bn254Hash;
    type InnerHasher = PublicInputsAsIs;
}

/// The "hash" of public inputs: of four, the four themselves.
///
/// plonky2 binds public inputs by a hash of four elements, computed in the circuit. With exactly four of them there is
/// nothing to hash, and the identity is injective. It is not a hash of anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicInputsAsIs;

impl Hasher<F> for PublicInputsAsIs {
    const HASH_SIZE: usize = 32;
    type Hash = HashOut<F>;
    type Permutation = Identity<F>;

    /// The four public inputs. Others are cut off or filled up with zeros, so that a proof with another number of them,
    /// which no circuit here accepts, is refused without a panic.
    fn hash_no_pad(input: &[F]) -> HashOut<F> {
        HashOut { elements: std::array::from_fn(|i| input.get(i).copied().unwrap_or(F::ZERO)) }
    }

    /// Not used: no tree is made with this.
    fn two_to_one(left: HashOut<F>, _: HashOut<F>) -> HashOut<F> {
        left
    }
}

impl AlgebraicHasher<F> for PublicInputsAsIs {
    type AlgebraicPermutation = Identity<Target>;

    fn permute_swapped<const N: usize>(
        inputs: Identity<Target>,
        _: BoolTarget,
        _: &mut CircuitBuilder<F, N>,
    ) -> Identity<Target>
    where
        F: RichField + Extendable<N>,
    {
        inputs
    }
}

/// Four elements that stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity<T>([T; PUBLIC_INPUTS]);

impl<T> AsRef<[T]> for Identity<T> {
    fn as_ref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Copy + Default + std::fmt::Debug + Eq + Sync + Send> PlonkyPermutation<T> for Identity<T> {
    const RATE: usize = PUBLIC_INPUTS;
    const WIDTH: usize = PUBLIC_INPUTS;

    fn new<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut state = Self::default();
        state.set_from_iter(elements, 0);
        state
    }

    fn set_elt(&mut self, element: T, index: usize) {
        self.0[index] = element;
    }

    fn set_from_iter<I: IntoIterator<Item = T>>(&mut self, elements: I, start: usize) {
        self.0[start..].iter_mut().zip(elements).for_each(|(place, element)| *place = element);
    }

    fn set_from_slice(&mut self, elements: &[T], start: usize) {
        self.set_from_iter(elements.iter().copied(), start);
    }

    fn permute(&mut self) {}

    fn squeeze(&self) -> &[T] {
        &self.0
    }
}
