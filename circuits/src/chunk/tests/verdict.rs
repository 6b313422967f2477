//! What the circuit says of a witness, without a proof: every constraint of every row, and nothing of FRI.
//!
//! A prover who cheats does not stop where an honest generator refuses. So the witness is filled here as far as it
//! goes: constants and what the prover picks come first, a generator's value that contradicts them is dropped, and
//! then the row that it was computed in does not hold. All wires that are joined have one value, so copy constraints
//! hold by construction, and the rows say all.

use std::sync::LazyLock;

use plonky2::field::types::Field;
use plonky2::hash::poseidon::{PoseidonHash, SPONGE_WIDTH};
use plonky2::iop::generator::GeneratedValues;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::Hasher;
use plonky2::plonk::prover::prove_with_partition_witness;
use plonky2::plonk::vars::EvaluationVarsBaseBatch;
use plonky2::util::timing::TimingTree;

use super::CIRCUIT;
use crate::chunk::circuit::{ChunkCircuit, Proof};
use crate::chunk::trace::ChunkTrace;
use crate::gates::custom::AsGate;
use crate::gates::range::RangeGate;
use crate::hash::{Digest, C, D, DIGEST_LEN, F};

/// A check that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// One operation of an arithmetic row: what it computes is not what it is connected to.
    Equation,
    /// The same in F_p², so of the streams' evaluations.
    Evaluation,
    /// A permutation's output is not what it is connected to: a root, daCommit, the context.
    Hash,
    /// The memory's products differ.
    Memory,
    /// A signature's chain.
    Chain,
    /// The ends of a signature's chain: the sum is not R.
    Signature,
    /// A number is not the sum of its bits.
    Bits,
    /// Any other gate.
    Other,
    /// A lane of so many bits in a row of range checks.
    Range(usize),
}

use Violation::*;

/// [`Examiner::violations`] of the circuit that most tests share.
pub fn violations(trace: &ChunkTrace) -> Vec<Violation> {
    EXAMINER.violations(trace)
}

/// [`violations`] where the prover also overrides what a generator would set.
pub fn violations_with(trace: &ChunkTrace, forced: &[(Target, F)]) -> Vec<Violation> {
    EXAMINER.violations_with(trace, forced)
}

static EXAMINER: LazyLock<Examiner<'static>> = LazyLock::new(|| Examiner::new(&CIRCUIT));

/// Checks every row of one chunk circuit.
pub struct Examiner<'a> {
    circuit: &'a ChunkCircuit,
    rows: Rows<'a>,
}

impl<'a> Examiner<'a> {
    /// For the rows of `circuit`.
    pub fn new(circuit: &'a ChunkCircuit) -> Self {
        Self { circuit, rows: Rows::new(&circuit.data) }
    }

    /// The checks that a proof of `trace` would have to get past.
    pub fn violations(&self, trace: &ChunkTrace) -> Vec<Violation> {
        self.violations_with(trace, &[])
    }

    /// [`Self::violations`] where the prover also overrides what a generator would set.
    pub fn violations_with(&self, trace: &ChunkTrace, forced: &[(Target, F)]) -> Vec<Violation> {
        self.rows.violations(self.circuit.targets.witness(trace).unwrap(), forced)
    }

    /// See [`Rows::hints`].
    pub fn hints(&self, id: &str) -> Vec<Vec<Target>> {
        self.rows.hints(id)
    }
}

/// Checks every row of any circuit.
pub struct Rows<'a> {
    data: &'a CircuitData<F, C, D>,
    /// Each row's gate and constants.
    rows: Vec<(usize, Vec<F>)>,
}

impl<'a> Rows<'a> {
    /// Of this circuit.
    pub fn new(data: &'a CircuitData<F, C, D>) -> Self {
        Self { data, rows: rows(data) }
    }

    /// What does not hold if the prover sets `inputs`, and overrides `forced` whatever generators say.
    pub fn violations(&self, inputs: PartialWitness<F>, forced: &[(Target, F)]) -> Vec<Violation> {
        let data = self.data;
        let witness = fill(data, inputs, forced);
        let public_inputs = witness.get_targets(&data.prover_only.public_inputs);
        let public_inputs_hash = PoseidonHash::hash_no_pad(&public_inputs);
        let mut found = Vec::new();
        for (row, (gate, constants)) in self.rows.iter().enumerate() {
            let gate = &data.common.gates[*gate];
            let wires: Vec<F> = (0..gate.0.num_wires())
                .map(|column| witness.try_get_target(Target::wire(row, column)).unwrap_or_default())
                .collect();
            let vars = EvaluationVarsBaseBatch::new(1, constants, &wires, &public_inputs_hash);
            let constraints = gate.0.eval_unfiltered_base_batch(vars);
            let broken = constraints.iter().enumerate().filter(|(_, value)| value.is_nonzero()).map(|(i, _)| i);
            match gate.0.as_any().downcast_ref::<AsGate<RangeGate>>() {
                Some(range) => found.extend(broken_lanes(&range.0, broken.collect())),
                None => found.extend(broken_parts(&gate.0.id(), broken.collect())),
            }
        }
        found.sort_unstable();
        found
    }

    /// What each generator with this id sets, in the order in which they were added. They are run on zeros to see.
    pub fn hints(&self, id: &str) -> Vec<Vec<Target>> {
        let mut found = Vec::new();
        for generator in self.data.prover_only.generators.iter().filter(|generator| generator.0.id() == id) {
            let mut empty = fill(self.data, PartialWitness::new(), &[]);
            for input in generator.0.watch_list() {
                let _ = empty.set_target(input, F::ZERO);
            }
            let mut buffer = GeneratedValues { target_values: Vec::new() };
            assert!(generator.0.run(&empty, &mut buffer));
            found.push(buffer.target_values.into_iter().map(|(target, _)| target).collect());
        }
        found
    }
}

fn broken_lanes(gate: &RangeGate, broken: Vec<usize>) -> Vec<Violation> {
    let mut first = 0;
    let mut found = Vec::new();
    for &width in gate.widths_bits() {
        let constraints = first..first + 1 + width.div_ceil(2);
        first = constraints.end;
        if broken.iter().any(|constraint| constraints.contains(constraint)) {
            found.push(Range(width));
        }
    }
    found
}

fn broken_parts(gate: &str, mut broken: Vec<usize>) -> Vec<Violation> {
    let named = [
        ("ArithmeticGate", Equation),
        ("ArithmeticExtensionGate", Evaluation),
        ("PoseidonGate", Hash),
        ("sheaf.MultisetGate", Memory),
        ("sheaf.SignatureGate", Chain),
        ("sheaf.SignatureEndsGate", Signature),
        ("BaseSumGate", Bits),
    ];
    let violation = named
        .into_iter()
        .find(|(name, _)| gate.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)))
        .map_or(Other, |(_, violation)| violation);
    match violation {
        // One constraint an operation.
        Equation => {}
        // Two.
        Evaluation => broken.iter_mut().for_each(|constraint| *constraint /= D),
        _ => broken.iter_mut().for_each(|constraint| *constraint = 0),
    }
    broken.dedup();
    vec![violation; broken.len()]
}

/// Each row's gate and constants, from the selectors that the circuit commits to.
fn rows(data: &CircuitData<F, C, D>) -> Vec<(usize, Vec<F>)> {
    let (common, prover) = (&data.common, &data.prover_only);
    let columns: Vec<Vec<F>> = prover.constants_sigmas_commitment.polynomials[common.constants_range()]
        .iter()
        .map(|polynomial| polynomial.clone().fft().values)
        .collect();
    let (selectors, constants) = columns.split_at(common.selectors_info.num_selectors());
    // A selector of another group of gates.
    let unused = F::from_canonical_u32(u32::MAX);
    (0..common.degree())
        .map(|row| {
            let index = selectors.iter().map(|selector| selector[row]).find(|&index| index != unused);
            let gate = (0..common.gates.len()).find(|&i| index == Some(F::from_canonical_usize(i)));
            (gate.expect("every row has a gate"), constants.iter().map(|column| column[row]).collect())
        })
        .collect()
}

fn fill<'a>(
    data: &'a CircuitData<F, C, D>,
    inputs: PartialWitness<F>,
    forced: &[(Target, F)],
) -> PartitionWitness<'a, F> {
    let (common, prover) = (&data.common, &data.prover_only);
    let generators = &prover.generators;
    let mut witness = PartitionWitness::new(common.config.num_wires, common.degree(), &prover.representative_map);
    let (constants, others): (Vec<usize>, Vec<usize>) =
        (0..generators.len()).partition(|&i| generators[i].0.id() == "ConstantGenerator");
    let mut done = vec![false; generators.len()];
    let mut buffer = GeneratedValues { target_values: Vec::new() };
    let mut run = |pending: Vec<usize>, witness: &mut PartitionWitness<'a, F>| {
        let mut next = Vec::new();
        for i in pending {
            if done[i] {
                continue;
            }
            done[i] = generators[i].0.run(witness, &mut buffer);
            for (target, value) in buffer.target_values.drain(..) {
                // What contradicts a value set before is dropped.
                if let Ok(Some(set)) = witness.set_target_returning_rep(target, value) {
                    next.extend(prover.generator_indices_by_watches.get(&set).into_iter().flatten());
                }
            }
        }
        next
    };
    run(constants, &mut witness);
    for (target, value) in forced.iter().copied().chain(inputs.target_values) {
        let _ = witness.set_target(target, value);
    }
    let mut pending = others;
    while !pending.is_empty() {
        pending = run(pending, &mut witness);
    }
    witness
}

/// A proof of `trace` by a prover who overrides `forced` and goes on whatever does not hold.
pub fn prove_anyway(trace: &ChunkTrace, forced: &[(Target, F)]) -> Proof {
    let witness = fill(&CIRCUIT.data, CIRCUIT.targets.witness(trace).unwrap(), forced);
    let data = &CIRCUIT.data;
    prove_with_partition_witness::<F, C, D>(&data.prover_only, &data.common, witness, &mut TimingTree::default())
        .unwrap()
}

/// Whether two targets are joined by copy constraints.
fn are_joined(a: Target, b: Target) -> bool {
    let (common, prover) = (&CIRCUIT.data.common, &CIRCUIT.data.prover_only);
    let class = |target: Target| prover.representative_map[target.index(common.config.num_wires, common.degree())];
    class(a) == class(b)
}

/// What the generators of that name set when their inputs are `inputs`, of those that `watch` picks by their inputs.
fn generated(name: &str, inputs: &[F], watch: impl Fn(&[Target]) -> bool) -> Vec<Vec<(Target, F)>> {
    let mut found = Vec::new();
    for generator in CIRCUIT.data.prover_only.generators.iter().filter(|generator| generator.0.id() == name) {
        let watched = generator.0.watch_list();
        if !watch(&watched) {
            continue;
        }
        let mut witness = fill(&CIRCUIT.data, PartialWitness::new(), &[]);
        for (target, value) in watched.into_iter().zip(inputs) {
            let _ = witness.set_target(target, *value);
        }
        let mut buffer = GeneratedValues { target_values: Vec::new() };
        assert!(generator.0.run(&witness, &mut buffer));
        found.push(buffer.target_values);
    }
    found
}

/// The two values that an equality of `x` with zero is decided by: whether they are equal, and an inverse.
pub fn equality_with_zero(x: Target) -> [Target; 2] {
    let found = generated("EqualityGenerator", &[F::ZERO; 2], |inputs| are_joined(inputs[0], x));
    assert_eq!(found.len(), 1);
    [found[0][0].0, found[0][1].0]
}

/// The bits that `x` is split into, lowest first, those above its width included.
pub fn bits_of(x: Target) -> Vec<Target> {
    let found = generated("BaseSplitGenerator + Base: 2", &[F::ZERO], |inputs| are_joined(inputs[0], x));
    assert_eq!(found.len(), 1);
    found[0].iter().map(|(bit, _)| *bit).collect()
}

/// All that is computed from the swap by `bit` in the rows of one level of a path, whatever `bit` is:
/// left = node + bit · (sibling − node), right = sibling − bit · (sibling − node).
pub fn hash_swapped(bit: Target, value: F, node: Digest, sibling: Digest) -> Vec<(Target, F)> {
    let change: [F; DIGEST_LEN] = std::array::from_fn(|i| value * (sibling.0[i] - node.0[i]));
    let mut inputs = [F::ZERO; SPONGE_WIDTH + 1];
    for i in 0..DIGEST_LEN {
        inputs[i] = node.0[i] + change[i];
        inputs[DIGEST_LEN + i] = sibling.0[i] - change[i];
    }
    let rows = generated("PoseidonGenerator", &inputs, |watched| are_joined(watched[SPONGE_WIDTH], bit));
    assert_eq!(rows.len(), 2, "old and new");
    let row = |mut row: Vec<(Target, F)>| {
        // What is added to the left and taken from the right comes first. There it is that of two inputs in order.
        row.iter_mut().zip(change).for_each(|((_, value), change)| *value = change);
        row
    };
    rows.into_iter().flat_map(row).collect()
}
