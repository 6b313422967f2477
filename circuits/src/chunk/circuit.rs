//! The chunk circuit.
//!
//! Statement: there are transactions, one for each slot of the shape or none, that take the state from the pre root to
//! the post root; each is valid in the batch's context and against the cells as those before it left them; what they
//! publish takes daCommit and both evaluations from "in" to "out".
//!
//! ```text
//!   context ─┬─ domain ──────▶ slot 1 … slot n ──▶ fees to the operator's header
//!            └─ operator           │ accesses          │
//!                                memory  ◀─────────────┘
//!                                  │ initial and final digests
//!   pre root ──▶ header openings ──▶ slot openings ──▶ post root
//! ```
//!
//! Public inputs: see [`PublicInputs`](crate::public_inputs::PublicInputs). All else is picked by the prover, and constrained by the parts: [`super::slot`],
//! [`super::memory`], `super::cells`.
//!
//! Not here: that the batch begins at daCommit 0 and evaluations (1, 0) is pinned by the last layer, and z is drawn by
//! whoever verifies; the set of allowed circuits is only carried.

use plonky2::field::types::Field;
use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::base_sum::BaseSumGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::gate::Gate;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::poseidon::PoseidonGate;
use plonky2::gates::public_input::PublicInputGate;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use plonky2::plonk::proof::ProofWithPublicInputs;
use thiserror::Error;

use super::account::HeaderTarget;
use super::call::CallSlotTarget;
use super::cells::{HeaderOpeningTarget, SlotOpeningTarget};
use super::memory::{Clock, MemoryTarget};
use super::record::StreamsTarget;
use super::slot::{SlotEnvironment, SlotTarget};
use super::trace::{ChunkError, ChunkTrace};
use super::{ChunkInput, Shape, SlotClass};
use crate::account::{ACCOUNT_BITS, SLOT_BITS};
use crate::amount::{BALANCE_BITS, FEE_MANTISSA_BITS, TRANSFER_BITS};
use crate::chunk::memory::{SORTED_GAP_BITS, TIME_BITS};
use crate::chunk::record::KEY_WORD_BITS;
use crate::context::{Context, Domain, TAG_CONTEXT, TAG_DOMAIN};
use crate::contract::wide::LIMB_BITS;
use crate::gates::custom::AsGate;
use crate::gates::multiset::MultisetGate;
use crate::gates::range::{RangeChecker, RangeGate};
use crate::gates::signature::SignatureGate;
use crate::gates::signature_ends::SignatureEndsGate;
use crate::hash::circuit::{hash_tagged, Builder};
use crate::hash::{C, D, F};
use crate::public_inputs::circuit::PublicInputsTarget;
use crate::security::{Profile, Role};
use crate::separator::{self, separator};

/// A chunk proof, or any other of the pipeline.
pub type Proof = ProofWithPublicInputs<F, C, D>;

/// The lanes of range-check rows. One transfer of asset 0 takes one row of the first layout and a quarter of the
/// second; a cell takes a quarter of the third; wide slots take a row of the fourth; products of amounts take rows of
/// the fifth, and balances that are left over one of the sixth, or with limits of calls one of the last. Each fills 135 wires or nearly.
fn range_layouts() -> Vec<Vec<usize>> {
    vec![
        vec![BALANCE_BITS, BALANCE_BITS, TRANSFER_BITS, ACCOUNT_BITS, ACCOUNT_BITS, TIME_BITS, SLOT_BITS],
        [vec![FEE_MANTISSA_BITS; 8], vec![TIME_BITS; 5]].concat(),
        [vec![SORTED_GAP_BITS; 5], vec![TIME_BITS; 3], vec![SLOT_BITS]].concat(),
        [vec![KEY_WORD_BITS; 7], vec![SLOT_BITS; 2]].concat(),
        vec![LIMB_BITS; 11],
        vec![BALANCE_BITS; 4],
        vec![BALANCE_BITS, BALANCE_BITS, TRANSFER_BITS, TRANSFER_BITS, SLOT_BITS],
    ]
}

/// The gates that a chunk circuit may have, for its domain separator: plonky2's digest does not cover constraints.
fn gate_ids(config: &CircuitConfig) -> Vec<String> {
    let mut gates: Vec<Box<dyn Gate<F, D>>> = vec![
        Box::new(NoopGate),
        Box::new(ConstantGate::new(config.num_constants)),
        Box::new(PublicInputGate),
        Box::new(BaseSumGate::<2>::new_from_config::<F>(config)),
        Box::new(ArithmeticGate::new_from_config(config)),
        Box::new(ArithmeticExtensionGate::<D>::new_from_config(config)),
        Box::new(MulExtensionGate::<D>::new_from_config(config)),
        Box::new(PoseidonGate::<F, D>::new()),
        Box::new(AsGate(MultisetGate)),
        Box::new(AsGate(SignatureGate)),
        Box::new(AsGate(SignatureEndsGate)),
    ];
    for layout in range_layouts() {
        gates.push(Box::new(AsGate(RangeGate::new(&layout))));
    }
    gates.iter().map(|gate| gate.id()).collect()
}

/// The targets of a chunk circuit that the prover sets.
#[derive(Debug)]
pub struct ChunkTargets {
    public_inputs: PublicInputsTarget,
    context: Vec<Target>,
    pub(super) slots: Vec<SlotTarget>,
    pub(super) calls: Vec<CallSlotTarget>,
    operator: HeaderTarget,
    operator_time: Target,
    pub(super) header_openings: Vec<HeaderOpeningTarget>,
    pub(super) slot_openings: Vec<SlotOpeningTarget>,
    sorted_keys: Vec<Target>,
}

impl ChunkTargets {
    /// Adds the chunk circuit of `shape` to an empty `builder`.
    pub fn new(builder: &mut Builder, shape: &Shape) -> Self {
        // Times count the slots, and the credit of the fees after them.
        assert!(shape.slot_count() + 1 < 1 << TIME_BITS, "shape {} has too many slots", shape.name);
        let public_inputs = PublicInputsTarget::new_registered(builder);
        let mut ranges = RangeChecker::new(&range_layouts());
        let mut memory = MemoryTarget::new(builder);

        let context = builder.add_virtual_targets(Context::LEN);
        let context_digest = hash_tagged(builder, TAG_CONTEXT, &context);
        builder.connect_hashes(context_digest, public_inputs.context);
        let domain = hash_tagged(builder, TAG_DOMAIN, &context[..Domain::LEN]);

        let mut streams = StreamsTarget {
            commit: public_inputs.da_commit_in,
            l1: public_inputs.l1_in,
            l2: public_inputs.l2_in,
            z: public_inputs.z,
        };
        let mut fees = builder.zero();
        let mut clock = Clock::new(builder);
        let (mut slots, mut calls) = (Vec::new(), Vec::new());
        for class in shape.slots() {
            let mut environment = SlotEnvironment {
                builder,
                ranges: &mut ranges,
                memory: &mut memory,
                streams: &mut streams,
                domain,
                batch_number: context[Context::BATCH_NUMBER],
                timestamp_s: context[Context::TIMESTAMP],
                fees: &mut fees,
                clock,
            };
            match class {
                SlotClass::Calls(form) => calls.push(CallSlotTarget::new(&mut environment, form)),
                _ => slots.push(SlotTarget::new(&mut environment, class)),
            }
            clock = clock.tick(builder);
        }
        builder.connect_hashes(streams.commit, public_inputs.da_commit_out);
        builder.connect_extension(streams.l1, public_inputs.l1_out);
        builder.connect_extension(streams.l2, public_inputs.l2_out);

        let operator_account = context[Context::OPERATOR];
        let (operator, operator_time) = credit_fees(builder, &mut ranges, &mut memory, operator_account, fees, clock);

        let mut root = public_inputs.pre_root;
        let header_openings = (0..shape.header_cells)
            .map(|_| HeaderOpeningTarget::new(builder, &mut ranges, &mut memory, &mut root))
            .collect();
        let slot_openings = (0..shape.slot_cells)
            .map(|_| SlotOpeningTarget::new(builder, &mut ranges, &mut memory, &mut root))
            .collect();
        builder.connect_hashes(root, public_inputs.post_root);

        let sorted_keys = memory.finish(builder, &mut ranges);
        let _ = ranges.finish(builder);
        Self {
            public_inputs,
            context,
            slots,
            calls,
            operator,
            operator_time,
            header_openings,
            slot_openings,
            sorted_keys,
        }
    }

    /// The values that the prover picks.
    pub fn witness(&self, trace: &ChunkTrace) -> anyhow::Result<PartialWitness<F>> {
        let mut witness = PartialWitness::new();
        witness.set_target_arr(&self.public_inputs.to_elements(), &trace.public_inputs.to_elements())?;
        witness.set_target_arr(&self.context, &trace.context)?;
        for (target, slot) in self.slots.iter().zip(&trace.slots) {
            target.set(&mut witness, slot)?;
        }
        for (target, slot) in self.calls.iter().zip(&trace.calls) {
            target.set(&mut witness, slot)?;
        }
        self.operator.set(&mut witness, &trace.operator.cell)?;
        witness.set_target(self.operator_time, trace.operator.time)?;
        for (target, row) in self.header_openings.iter().zip(&trace.header_rows) {
            target.set(&mut witness, row)?;
        }
        for (target, row) in self.slot_openings.iter().zip(&trace.slot_rows) {
            target.set(&mut witness, row)?;
        }
        for (target, &key) in self.sorted_keys.iter().zip(&trace.sorted_keys) {
            witness.set_target(*target, F::from_canonical_u64(key))?;
        }
        Ok(witness)
    }
}

/// Credits `fees` to the operator's header, the last access of the chunk.
fn credit_fees(
    builder: &mut Builder,
    ranges: &mut RangeChecker,
    memory: &mut MemoryTarget,
    account: Target,
    fees: Target,
    clock: Clock,
) -> (HeaderTarget, Target) {
    ranges.range_check(builder, account, ACCOUNT_BITS);
    let operator = HeaderTarget::new(builder);
    let old: HashOutTarget = operator.digest(builder);
    let mut credited = operator;
    // The sum of the fees does not wrap: each was taken from a balance that stayed in [0, 2^62), fees are credited only
    // here, and all balances of asset 0 together are below 2^62 (the L1 contract and genesis see to that).
    credited.balance = builder.add(operator.balance, fees);
    ranges.range_check(builder, credited.balance, BALANCE_BITS);
    let new = credited.digest(builder);
    let key = builder.mul_const(F::from_canonical_u64(1 << SLOT_BITS), account);
    let always = builder._true();
    let time = memory.access(builder, ranges, always, key, old, new, clock);
    (operator, time)
}

/// A chunk circuit, ready to prove.
#[derive(Debug)]
pub struct ChunkCircuit {
    /// What it has room for.
    pub shape: Shape,
    /// plonky2's circuit.
    pub data: CircuitData<F, C, D>,
    pub(super) targets: ChunkTargets,
}

impl ChunkCircuit {
    /// Builds the circuit of `shape`. A full one takes some ten seconds.
    ///
    /// # Panics
    ///
    /// When the shape does not fit its degree: shapes are data of this crate, and tests build each.
    pub fn build(shape: Shape, profile: Profile) -> Self {
        let (builder, targets) = Self::prepare(&shape, profile.circuit_config(Role::Chunk));
        let data = builder.build::<C>();
        assert_eq!(data.common.degree_bits(), shape.degree_bits, "shape {} does not fit its degree", shape.name);
        let named = gate_ids(&data.common.config);
        for gate in separator::gate_ids(&data.common) {
            assert!(named.contains(&gate), "gate {gate} is not named in the separator");
        }
        Self { shape, data, targets }
    }

    fn prepare(shape: &Shape, config: CircuitConfig) -> (Builder, ChunkTargets) {
        let separator = separator(Role::Chunk, shape.name, &config, &gate_ids(&config));
        let mut builder = Builder::new(config);
        builder.set_domain_separator(separator);
        let targets = ChunkTargets::new(&mut builder, shape);
        (builder, targets)
    }

    /// Rows that the circuit of `shape` takes before padding, without building it; some ten rows that hash the public
    /// inputs and hold constants come on top.
    pub fn rows(shape: &Shape) -> usize {
        let (builder, _) = Self::prepare(shape, Profile::Fast.circuit_config(Role::Chunk));
        builder.num_gates()
    }

    /// Proves `input`.
    pub fn prove(&self, input: &ChunkInput) -> Result<Proof, ProveError> {
        self.prove_trace(&ChunkTrace::new(&self.shape, input)?)
    }

    /// Proves a trace. One that is not valid gives an error, or a proof that does not verify.
    pub fn prove_trace(&self, trace: &ChunkTrace) -> Result<Proof, ProveError> {
        let witness = self.targets.witness(trace).map_err(|source| ProveError::Circuit(source.to_string()))?;
        self.data.prove(witness).map_err(|source| ProveError::Circuit(source.to_string()))
    }
}

/// Why a chunk was not proven.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProveError {
    /// The input is not a valid chunk of the shape.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// The circuit refused the witness, which the checks before should have made impossible.
    #[error("the circuit refused the witness: {0}")]
    Circuit(String),
}
