//! A prover who does not follow the rules: it picks what the witness is, overrides what generators would compute, and
//! goes on whatever does not hold. The circuit is the exit program's, with parameters that make proofs cheap.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::LazyLock;

use plonky2::field::types::Field64;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::fri::FriConfig;
use plonky2::hash::poseidon::SPONGE_WIDTH;
use plonky2::iop::generator::GeneratedValues;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use plonky2::plonk::prover::prove_with_partition_witness;
use plonky2::util::timing::TimingTree;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sheaf_circuits::account::{ACCOUNT_BITS, CELL_LEN};
use sheaf_circuits::hash::{hash_cell, hash_node, C};

use super::*;
use crate::shrink::exit::circuit::ExitTarget;
use crate::shrink::values::{PRE_ROOT, PUBLIC_VALUES_LEN, Z};

struct Circuit {
    data: CircuitData<F, C, D>,
    target: ExitTarget,
}

static CIRCUIT: LazyLock<Circuit> = LazyLock::new(|| {
    let fri_config = FriConfig {
        rate_bits: 3,
        cap_height: 1,
        proof_of_work_bits: 1,
        reduction_strategy: FriReductionStrategy::Fixed(vec![3]),
        num_query_rounds: 6,
    };
    let config = CircuitConfig { security_bits: 1, fri_config, ..CircuitConfig::standard_recursion_config() };
    let mut builder = CircuitBuilder::new(config);
    let target = ExitTarget::new(&mut builder);
    Circuit { data: builder.build(), target }
});

/// What `opening` looks like if nothing of it is checked.
pub fn claim(opening: &ExitOpening) -> PublicValues {
    let ExitOpening { account, asset, header, path, slot, .. } = opening;
    let exit = Exit { account: *account, asset: *asset, amount: quanta(1), root: path.root(*account, header.digest()) };
    let mut values = exit.values(&domain()).unwrap();
    values.0[Z.start] = if asset.is_gas() { header.0[Header::BALANCE] } else { slot.0[0] };
    values
}

/// Whether there is a proof that says `values`, by a prover who has `opening` and overrides `forced`.
pub fn proves(opening: &ExitOpening, values: &PublicValues, forced: &[(Target, F)]) -> bool {
    let Circuit { data, target } = &*CIRCUIT;
    let said = data.prover_only.public_inputs.iter().copied().zip(values.0);
    let inputs = target.witness(opening, &domain()).unwrap().target_values;
    let witness = fill(forced.iter().copied().chain(said).chain(inputs));
    let prove = || {
        let mut timing = TimingTree::default();
        let proof = prove_with_partition_witness::<F, C, D>(&data.prover_only, &data.common, witness, &mut timing)?;
        assert_eq!(proof.public_inputs, values.0, "what is picked first counts");
        data.verify(proof)
    };
    // The prover panics where it notices that there is no quotient.
    matches!(catch_unwind(AssertUnwindSafe(prove)), Ok(Ok(())))
}

/// The witness that begins with `picked`. What contradicts a value that is there is dropped: copies hold, and the row that
/// computed it does not.
fn fill(picked: impl IntoIterator<Item = (Target, F)>) -> PartitionWitness<'static, F> {
    let (common, prover) = (&CIRCUIT.data.common, &CIRCUIT.data.prover_only);
    let mut witness = PartitionWitness::new(common.config.num_wires, common.degree(), &prover.representative_map);
    for (target, value) in picked {
        let _ = witness.set_target(target, value);
    }
    let mut done = vec![false; prover.generators.len()];
    let mut pending: Vec<usize> = (0..done.len()).collect();
    let mut buffer = GeneratedValues { target_values: Vec::new() };
    while !pending.is_empty() {
        let mut next = Vec::new();
        for i in pending {
            if done[i] {
                continue;
            }
            done[i] = prover.generators[i].0.run(&witness, &mut buffer);
            for (target, value) in buffer.target_values.drain(..) {
                if let Ok(Some(set)) = witness.set_target_returning_rep(target, value) {
                    next.extend(prover.generator_indices_by_watches.get(&set).into_iter().flatten());
                }
            }
        }
        pending = next;
    }
    assert!(done.iter().all(|done| *done), "the prover knows all");
    witness
}

/// What the generators of that name set, of which one input is `x`, when their inputs are `inputs`.
fn generated(name: &str, x: Target, inputs: &[F]) -> Vec<(Target, F)> {
    let (common, prover) = (&CIRCUIT.data.common, &CIRCUIT.data.prover_only);
    let class = |target: Target| prover.representative_map[target.index(common.config.num_wires, common.degree())];
    let mut found = Vec::new();
    for generator in prover.generators.iter().filter(|generator| generator.0.id() == name) {
        let watched = generator.0.watch_list();
        if watched.iter().any(|&input| class(input) == class(x)) {
            let mut witness =
                PartitionWitness::new(common.config.num_wires, common.degree(), &prover.representative_map);
            watched.into_iter().zip(inputs).for_each(|(input, &value)| drop(witness.set_target(input, value)));
            let mut buffer = GeneratedValues { target_values: Vec::new() };
            assert!(generator.0.run(&witness, &mut buffer));
            found.append(&mut buffer.target_values);
        }
    }
    assert!(!found.is_empty());
    found
}

/// The bits that `x` is split into, lowest first, those above its width included.
fn bits_of(x: Target) -> Vec<Target> {
    generated("BaseSplitGenerator + Base: 2", x, &[F::ZERO]).into_iter().map(|(bit, _)| bit).collect()
}

/// Overrides the bits of `x` by those of `value`.
fn bits(x: Target, value: u64) -> Vec<(Target, F)> {
    bits_of(x).into_iter().enumerate().map(|(i, bit)| (bit, number(value >> i & 1))).collect()
}

/// Overrides the row of a path that `bit` turns: all that is computed in it if the bit is `value`, whatever that is, where
/// left = node + bit · (sibling − node) and right = sibling − bit · (sibling − node). Returns the node above, too.
fn turned(bit: Target, value: F, node: Digest, sibling: Digest) -> (Vec<(Target, F)>, Digest) {
    let change: [F; DIGEST_LEN] = std::array::from_fn(|i| value * (sibling.0[i] - node.0[i]));
    let mut inputs = [F::ZERO; SPONGE_WIDTH + 1];
    for i in 0..DIGEST_LEN {
        inputs[i] = node.0[i] + change[i];
        inputs[DIGEST_LEN + i] = sibling.0[i] - change[i];
    }
    let mut row = generated("PoseidonGenerator", bit, &inputs);
    // The change comes first. There it is that of two inputs in order.
    row.iter_mut().zip(change).for_each(|((_, value), change)| *value = change);
    row.push((bit, value));
    (row, hash_cell(&std::array::from_fn(|i| inputs[i])))
}

/// Overrides whether the asset counts as asset 0.
fn counts_as_gas(is_gas: bool) -> Vec<(Target, F)> {
    let equality = generated("EqualityGenerator", CIRCUIT.target.asset, &[F::ZERO; 2]);
    vec![(equality[0].0, F::from_bool(is_gas))]
}

/// `claim` with another value at `position`.
fn with(values: &PublicValues, position: usize, value: F) -> PublicValues {
    let mut values = *values;
    values.0[position] = value;
    values
}

/// Values of the state's own root.
fn of_the_state(opening: &ExitOpening) -> PublicValues {
    let mut values = claim(opening);
    values.0[PRE_ROOT].copy_from_slice(&state().root().0);
    values
}

/// The slots root over the slot.
fn slots_root(opening: &ExitOpening) -> Digest {
    let ExitOpening { asset, slot, slots, .. } = opening;
    slots.iter().enumerate().fold(slot.digest(), |node, (level, &sibling)| match asset.get() >> level & 1 {
        0 => hash_node(node, sibling),
        _ => hash_node(sibling, node),
    })
}

fn number(value: u64) -> F {
    F::from_canonical_u64(value)
}

#[test]
fn another_amount_is_refused() {
    for (index, id) in [(ALICE, 0), (ALICE, 1)] {
        let opening = opening(index, id);
        let honest = claim(&opening);
        let amount = honest.0[Z.start];
        let of_other_asset = number(if id == 0 { 70 } else { 6000 });
        for other in [amount + F::ONE, amount - F::ONE, F::ZERO, -F::ONE, number(1 << 61), of_other_asset] {
            assert!(!proves(&opening, &with(&honest, Z.start, other), &[]), "asset {id}: {other}");
        }
        // The balance that goes into the hash, too.
        let mut richer = opening.clone();
        richer.header.0[Header::BALANCE] += F::ONE;
        richer.slot.0[0] += F::ONE;
        assert!(!proves(&richer, &of_the_state(&richer), &[]), "asset {id}: in the cells");
    }
}

#[test]
fn another_asset_with_the_same_path_is_refused() {
    let honest = opening(ALICE, 1);
    for other in [0, 2, 3, 1 | 1 << 11] {
        let forged = ExitOpening { asset: asset(other), ..honest.clone() };
        let mut values = of_the_state(&forged);
        values.0[Z.start] = honest.slot.0[0];
        assert!(!proves(&forged, &values, &[]), "asset {other}");
        // The path is the honest one: only the sum of the bits is wrong.
        let path = bits(CIRCUIT.target.asset, 1);
        assert!(!proves(&forged, &values, &path), "asset {other}, bits of asset 1");
        let both = [path, counts_as_gas(false)].concat();
        assert!(!proves(&forged, &values, &both), "asset {other}, bits of asset 1, said not to be asset 0");
    }
}

#[test]
fn another_account_with_the_same_path_is_refused() {
    for id in [0, 1] {
        let honest = opening(ALICE, id);
        let forged = ExitOpening { account: account(BOB), ..honest.clone() };
        let values = of_the_state(&forged);
        assert!(!proves(&forged, &values, &[]));
        assert!(!proves(&forged, &values, &bits(CIRCUIT.target.account, ALICE.into())), "asset {id}, Alice's bits");
    }
}

#[test]
fn the_slot_of_another_account_is_refused() {
    let (mine, theirs) = (opening(ALICE, 1), opening(BOB, 1));
    let slot = ExitOpening { slot: theirs.slot, slots: theirs.slots, ..mine.clone() };
    assert!(matches!(slot.exit(), Err(NotAnExit::Slot { .. })));
    assert!(!proves(&slot, &of_the_state(&slot), &[]));
    assert!(!proves(&slot, &of_the_state(&slot), &counts_as_gas(true)), "the slot not looked at");
    // With their slots root beside my header, the root is no state's.
    let root = ExitOpening { path: HeaderPath { slots_root: theirs.path.slots_root, ..mine.path.clone() }, ..slot };
    assert!(proves(&root, &claim(&root), &[]), "true of another tree");
    assert!(!proves(&root, &of_the_state(&root), &[]));
    // With their account's path, too.
    let path = ExitOpening { path: theirs.path.clone(), ..root };
    assert!(!proves(&path, &of_the_state(&path), &[]));
    assert!(!proves(&path, &of_the_state(&path), &bits(CIRCUIT.target.account, BOB.into())));
}

#[test]
fn a_header_is_not_a_slot_nor_a_slot_a_header() {
    let (gas, other) = (opening(ALICE, 0), opening(ALICE, 1));
    // The header stands where the hash of the slot would.
    let digest = |cell: &Cell| cell.digest();
    let mut slot = other.clone();
    slot.slot = Cell::from_balance(quanta(6000));
    slot.slots[0] = digest(&gas.header);
    assert!(!proves(&slot, &of_the_state(&slot), &[]));
    // The account's node as a node of slots: one level up, header left, slots right.
    slot.slots[11] = digest(&gas.header);
    slot.path.slots_root = hash_node(digest(&gas.header), other.path.slots_root);
    assert!(!proves(&slot, &of_the_state(&slot), &[]));
    // The slot's elements as a header's, its digest where the header's is.
    let mut header = gas.clone();
    header.header.0[..CELL_LEN].copy_from_slice(&other.slot.0);
    header.header.0[Header::BALANCE] = other.slot.0[0];
    assert!(matches!(header.exit(), Err(NotAnExit::NotAUser { kind: 0, .. })));
    assert!(!proves(&header, &of_the_state(&header), &[]));
    header.path.slots_root = digest(&gas.header);
    assert!(!proves(&header, &of_the_state(&header), &[]));
}

/// Asset 0 has no slot: whatever hangs at slot 0 is not looked at, and what is said is the header's balance.
#[test]
fn slot_0_is_no_balance() {
    let mut opening = opening(ALICE, 0);
    opening.slot = Cell::from_balance(quanta(777_777));
    let values = claim(&opening);
    assert!(proves(&opening, &values, &[]), "the slot is free");
    let slot = with(&values, Z.start, number(777_777));
    assert!(!proves(&opening, &slot, &[]));
    assert!(!proves(&opening, &slot, &counts_as_gas(false)), "asset 0 said to be another");
    // Nor if there were a slot 0 under the account.
    opening.path.slots_root = slots_root(&opening);
    let slot = with(&claim(&opening), Z.start, number(777_777));
    assert!(!proves(&opening, &slot, &[]));
    assert!(!proves(&opening, &slot, &counts_as_gas(false)));
}

#[test]
fn another_asset_is_not_asset_0() {
    let opening = opening(ALICE, 1);
    let values = with(&claim(&opening), Z.start, number(6000));
    assert!(!proves(&opening, &values, &[]));
    assert!(!proves(&opening, &values, &counts_as_gas(true)), "asset 1 said to be asset 0");
}

/// An opening of what is there, whether it may leave or not.
fn open_anyway(state: &impl StateRead<Error = Infallible>, index: u32, id: u16) -> ExitOpening {
    let (account, asset) = (account(index), asset(id));
    let keys = [account.header_key(), account.balance_key(asset)];
    let tree = state.partial_tree(&keys).unwrap();
    let slots = if id > 0 { tree.slot_path(keys[1]).unwrap().slots } else { [Digest::ZERO; SLOT_BITS] };
    let slot = if id > 0 { state.cell(keys[1]).unwrap() } else { Cell::ABSENT };
    let (header, path) = (state.cell(keys[0]).unwrap(), tree.header_path(account).unwrap());
    let opening = ExitOpening { account, asset, header, path, slot, slots };
    assert_eq!(opening.path.root(account, opening.header.digest()), state.root());
    opening
}

#[test]
fn contracts_and_accounts_that_are_not_open_are_refused() {
    // The slot of a split with one holder has the form of a balance.
    let split = open_anyway(state(), SPLIT, 1);
    assert_eq!(split.slot.balance(), Ok(quanta(u64::from(BOB) + (10_000 << 24))));
    assert!(!proves(&split, &of_the_state(&split), &[]));
    let lock = open_anyway(state(), LOCK, 0);
    assert!(!proves(&lock, &of_the_state(&lock), &[]));
    assert!(!proves(&lock, &with(&of_the_state(&lock), Z.start, number(300)), &[]));
    for id in [0, 1] {
        let mut nobody = open_anyway(state(), 77, id);
        nobody.header.0[Header::BALANCE] = number(5);
        nobody.slot = Cell::from_balance(quanta(5));
        assert!(!proves(&nobody, &of_the_state(&nobody), &[]), "asset {id} of nobody");
    }
}

/// A header of another kind, or with something at its end, is none, in whatever state it is.
#[test]
fn only_a_users_header_is_one() {
    let user = Header::open(Digest([F::TWO; 4]), quanta(5)).to_cell();
    for (position, value, error) in [
        (Header::KIND, 2, NotAnExit::NotAUser { account: account(9), kind: 2 }),
        (Header::KIND, 0, NotAnExit::NotAUser { account: account(9), kind: 0 }),
        (7, 1, NotAnExit::NotAHeader { account: account(9) }),
    ] {
        let mut header = user;
        header.0[position] = number(value);
        let slot = (account(9).balance_key(asset(4)), Cell::from_balance(quanta(6)));
        let state = MemoryState::with_cells(vec![(account(9).header_key(), header), slot]);
        for id in [0, 4] {
            let opening = open_anyway(&state, 9, id);
            assert_eq!(opening.exit(), Err(error));
            assert!(!proves(&opening, &claim(&opening), &[]), "element {position} is {value}, asset {id}");
        }
    }
}

#[test]
fn a_slot_has_a_balance_and_nothing_else() {
    let header = (account(9).header_key(), Header::open(Digest([F::TWO; 4]), quanta(5)).to_cell());
    for position in 1..CELL_LEN {
        let mut slot = Cell::from_balance(quanta(6));
        slot.0[position] = F::ONE;
        let state = MemoryState::with_cells(vec![header, (account(9).balance_key(asset(4)), slot)]);
        let opening = open_anyway(&state, 9, 4);
        assert!(matches!(opening.exit(), Err(NotAnExit::NotABalance { .. })));
        assert!(!proves(&opening, &claim(&opening), &[]), "element {position}");
    }
}

#[test]
fn an_amount_has_62_bits() {
    for (balance, fits) in [((1 << 62) - 1, true), (1 << 62, false), (1 << 63, false)] {
        let mut header = Header::open(Digest([F::TWO; 4]), quanta(5)).to_cell();
        let mut slot = Cell::ABSENT;
        (header.0[Header::BALANCE], slot.0[0]) = (number(balance), number(balance));
        let cells = vec![(account(9).header_key(), header), (account(9).balance_key(asset(4)), slot)];
        let state = MemoryState::with_cells(cells);
        for id in [0, 4] {
            let opening = open_anyway(&state, 9, id);
            assert_eq!(opening.exit().is_ok(), fits);
            assert_eq!(proves(&opening, &claim(&opening), &[]), fits, "{balance} of asset {id}");
        }
    }
}

#[test]
fn nothing_does_not_leave() {
    for (index, id) in [(CAROL, 0), (ALICE, 3), (LAST, 1)] {
        let opening = open_anyway(state(), index, id);
        assert!(matches!(opening.exit(), Err(NotAnExit::Nothing { .. })));
        assert!(!proves(&opening, &claim(&opening), &[]), "asset {id} of {index}");
    }
    // Where no slot is, there is nothing to say an amount of.
    let mut opening = open_anyway(state(), ALICE, 3);
    opening.slot = Cell::from_balance(quanta(1));
    assert!(!proves(&opening, &of_the_state(&opening), &[]));
}

#[test]
fn another_root_is_refused() {
    for id in [0, 1] {
        let opening = opening(ALICE, id);
        let honest = claim(&opening);
        for position in PRE_ROOT {
            let other = with(&honest, position, honest.0[position] + F::ONE);
            assert!(!proves(&opening, &other, &[]), "element {position}");
        }
        // The root before the batch does not hold what came with it.
        let before = MemoryState::with_cells(genesis().cells()).root();
        let mut other = honest;
        other.0[PRE_ROOT].copy_from_slice(&before.0);
        assert!(!proves(&opening, &other, &[]));
    }
}

#[test]
fn all_else_is_zero() {
    let opening = opening(ALICE, 1);
    let honest = claim(&opening);
    let fixed = (Context::BATCH_NUMBER..PUBLIC_VALUES_LEN)
        .filter(|&i| !PRE_ROOT.contains(&i) && ![Context::OPERATOR, Context::TIMESTAMP, Z.start].contains(&i));
    for position in fixed {
        assert_eq!(honest.0[position], F::ZERO);
        assert!(!proves(&opening, &with(&honest, position, F::ONE), &[]), "element {position}");
    }
}

/// The domain is whatever the prover says, before the proof is made and not after.
#[test]
fn a_proof_is_for_its_domain() {
    let Circuit { data, target } = &*CIRCUIT;
    let opening = opening(ALICE, 1);
    let other = Domain { chain_id: 1, ..domain() };
    let proof = data.prove(target.witness(&opening, &other).unwrap()).unwrap();
    assert_eq!(proof.public_inputs, opening.exit().unwrap().values(&other).unwrap().0);
    data.verify(proof.clone()).unwrap();
    for position in 0..PUBLIC_VALUES_LEN {
        let mut changed = proof.clone();
        changed.public_inputs[position] += F::ONE;
        assert!(data.verify(changed).is_err(), "element {position}");
    }
}

#[test]
fn account_and_asset_have_their_widths() {
    let opening = opening(ALICE, 1);
    let honest = claim(&opening);
    for (position, target, value, width) in [
        (Context::OPERATOR, CIRCUIT.target.account, u64::from(ALICE), ACCOUNT_BITS),
        (Context::TIMESTAMP, CIRCUIT.target.asset, 1, SLOT_BITS),
    ] {
        for bit in [width, width + 1, 40, 61] {
            let wide = value + (1 << bit);
            let values = with(&honest, position, number(wide));
            assert!(!proves(&opening, &values, &[]), "bit {bit} of element {position}");
            assert!(!proves(&opening, &values, &bits(target, wide)), "bit {bit} of element {position}, with its bits");
            assert!(!proves(&opening, &values, &bits(target, value)), "bit {bit} of element {position}, without");
        }
        // value + p, as bits, is the same element; there are only 63.
        let second = F::ORDER.wrapping_add(value);
        assert!(!proves(&opening, &honest, &bits(target, second)), "element {position} as itself and p");
    }
}

/// A 2 in the lowest bit of asset 2 would go another way than to slot 2, through a node that is no hash of two nodes.
#[test]
fn bits_are_bits() {
    let bits = bits_of(CIRCUIT.target.asset);
    for (id, holds) in [(1, true), (2, false)] {
        let mut opening = ExitOpening { asset: asset(id), ..opening(ALICE, 1) };
        let (mut forced, mut node) = turned(bits[0], number(id.into()), opening.slot.digest(), opening.slots[0]);
        node = opening.slots[1..].iter().fold(node, |node, &sibling| hash_node(node, sibling));
        opening.path.slots_root = node;
        forced.extend(bits[1..].iter().map(|&bit| (bit, F::ZERO)));
        assert_eq!(proves(&opening, &claim(&opening), &forced), holds, "a lowest bit of {id}");
    }
}

/// Native and circuit agree on openings of which something is broken, whatever it is.
#[test]
fn native_and_circuit_agree() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut verdicts = [0, 0];
    for _ in 0..60 {
        let (index, id, _) = BALANCES[random.gen_range(0..BALANCES.len())];
        let mut opening = opening(index, id);
        let change = number(random.gen_range(1..3));
        let kind = random.gen_range(0..10);
        match kind {
            0 => opening.account = account(random.gen_range(0..1 << 24)),
            1 => opening.asset = asset(random.gen_range(0..1 << 12)),
            2 => opening.header.0[random.gen_range(0..CELL_LEN)] += change,
            3 => {
                // Under the same account, so that only its form can be wrong.
                opening.slot.0[random.gen_range(0..CELL_LEN)] += change;
                opening.path.slots_root = slots_root(&opening);
            }
            4 => opening.slots[random.gen_range(0..SLOT_BITS)].0[1] += change,
            5 => opening.path.accounts[random.gen_range(0..ACCOUNT_BITS)].0[2] += change,
            6 => opening.path.slots_root.0[3] += change,
            7 => opening.header.0[Header::BALANCE] = F::ZERO,
            8 => opening.slot.0[0] += change,
            _ => {}
        }
        let holds = opening.exit().is_ok();
        assert_eq!(proves(&opening, &claim(&opening), &[]), holds, "change {change} of kind {kind}");
        if let Ok(exit) = opening.exit() {
            assert_eq!(exit.values(&domain()).unwrap(), claim(&opening));
        }
        verdicts[usize::from(holds)] += 1;
    }
    assert!(verdicts[0] > 10 && verdicts[1] > 10, "{verdicts:?}");
}
