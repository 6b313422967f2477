//! Chunk inputs lead from root to root, and what they publish leads to the same state.

mod support;

use std::collections::HashMap;

use proptest::prelude::*;
use sheaf_circuits::account::{Cell, CellKey};
use sheaf_circuits::availability::{absorb, blocks, decode, evaluate, from_bytes, EVALUATION_START};
use sheaf_circuits::chunk::{ChunkInput, Shape};
use sheaf_circuits::context::{Context, ContextError};
use sheaf_circuits::hash::Digest;
use sheaf_circuits::transaction::{Published, Stream};
use sheaf_witness::chunks::{ChunkError, ChunkInputs, Publication};
use sheaf_witness::execute::{execute, Applied, Execution, SignatureChecks};
use sheaf_witness::plan::{plan, Grouping, Plan, PlanError};
use sheaf_witness::rebuild::{rebuild, RebuildError, Replay};
use sheaf_witness::state::{MemoryState, StateRead};

use self::support::naive::Naive;
use self::support::shapes::{full, mixed, small};
use self::support::*;

/// A batch that was executed and planned.
struct Batch {
    world: World,
    state: MemoryState,
    execution: Execution,
    applied: Vec<Applied>,
    plan: Plan,
    shapes: Vec<Shape>,
}

impl Batch {
    fn new(wishes: &[Wish], shapes: Vec<Shape>) -> Result<Self, PlanError> {
        let world = genesis();
        let state = state(&world);
        let transactions = build(&world, wishes);
        let execution = execute(&context(), &transactions, &state, SignatureChecks::Skip).unwrap();
        let applied = execution.applied(&transactions);
        let plan = plan(&applied, context().operator, &shapes, Grouping::BySharedCells)?;
        Ok(Self { world, state, execution, applied, plan, shapes })
    }

    fn inputs(&self) -> ChunkInputs<'_> {
        ChunkInputs::new(&context(), &self.applied, &self.plan, &self.shapes, &self.state, ALLOWED_SET).unwrap()
    }

    fn final_root(&self) -> Digest {
        self.state.prepare(self.execution.cells.clone()).unwrap().root()
    }
}

const ALLOWED_SET: Digest = Digest::ZERO;

/// Follows the inputs as the circuits do: executes, climbs every path before and after, chains what is published.
/// Returns the final root.
fn follow(batch: &Batch, inputs: &[ChunkInput], publication: &Publication) -> Digest {
    let mut world = Naive::new(batch.world.clone());
    let (mut root, mut da_commit) = (batch.state.root(), Digest::ZERO);
    let (mut l1, mut l2) = (EVALUATION_START, EVALUATION_START);
    for (input, planned) in inputs.iter().zip(&batch.plan.chunks) {
        let shape = &batch.shapes[planned.shape];
        assert_eq!(
            (input.start.root, input.start.da_commit, input.start.l1, input.start.l2),
            (root, da_commit, l1, l2)
        );
        assert_eq!((input.shape.as_str(), input.z, input.context), (shape.name, publication.z, context()));
        assert_eq!(input.transactions.len(), shape.slot_count());
        let before = world.cells.clone();
        for (class, transaction) in shape.slots().zip(&input.transactions) {
            assert!(class.accepts(transaction));
            let record: Option<Published> = world.execute(transaction).unwrap().record;
            da_commit = blocks(record.as_ref(), class.layout()).into_iter().fold(da_commit, absorb);
            let words = record.map(|record| (record.kind().stream(), record.words()));
            match words {
                Some((Some(Stream::L1), words)) => l1 = evaluate(l1, publication.z, &words),
                Some((_, words)) => l2 = evaluate(l2, publication.z, &words),
                None => {}
            }
        }
        world.pay_operator();
        root = climb(input, shape, &before, &world.cells, root);
    }
    assert_eq!(publication.z, publication.streams.point(da_commit));
    let end = publication.end();
    assert_eq!((end.da_commit, end.l1, end.l2), (da_commit, l1, l2));
    root
}

/// Checks the openings of a chunk and returns the root after it.
fn climb(input: &ChunkInput, shape: &Shape, before: &World, after: &World, mut root: Digest) -> Digest {
    let cell = |world: &World, key: CellKey| world.get(&key).copied().unwrap_or_default();
    let mut opened: HashMap<CellKey, Cell> = HashMap::new();
    assert!(input.headers.len() <= shape.header_cells && input.slots.len() <= shape.slot_cells);
    assert!(input.headers.is_sorted_by_key(|opening| opening.account));
    assert!(input.slots.is_sorted_by(|a, b| a.key < b.key));
    for opening in &input.headers {
        let (account, key) = (opening.account, opening.account.header_key());
        assert_eq!(opening.cell, cell(before, key));
        assert_eq!(opening.path.root(account, opening.cell.digest()), root);
        root = opening.path.root(account, cell(after, key).digest());
        assert_eq!(opened.insert(key, cell(after, key)), None);
    }
    assert!(!input.headers.is_empty() || shape.header_cells == 0, "there is a header to fill unused rows with");
    assert!(!input.slots.is_empty() || shape.slot_cells == 0, "there is a slot to fill unused rows with");
    for opening in &input.slots {
        let (key, header_key) = (opening.key, opening.key.account().header_key());
        let alone = key.is_header();
        // A row that opens nothing names an account that is open, and is the only one.
        let first = !opened.contains_key(&header_key);
        assert!(!alone || first || input.slots.len() == 1);
        assert_eq!(opening.header, first.then(|| cell(before, header_key)), "the first slot opens the header");
        let slot = |world| if alone { Cell::ABSENT } else { cell(world, key) };
        assert_eq!(opening.cell, slot(before));
        let header_digest = opening.header.unwrap_or_else(|| cell(after, header_key)).digest();
        assert_eq!(opening.header_digest, header_digest);
        assert_eq!(opening.path.root(key, header_digest, slot(before).digest()), root);
        root = opening.path.root(key, cell(after, header_key).digest(), slot(after).digest());
        if first {
            assert_eq!(opened.insert(header_key, cell(after, header_key)), None);
        }
        if !alone {
            assert_eq!(opened.insert(key, cell(after, key)), None);
        }
    }
    for transaction in &input.transactions {
        assert!(transaction.cells().all(|key| opened.contains_key(&key)), "every touched cell is opened");
    }
    assert!(opened.contains_key(&context().operator.header_key()), "the operator is paid in every chunk");
    root
}

/// The two streams, dealt into one list as `choices` say.
fn shuffle<'a>(mut l1: &'a [Published], mut l2: &'a [Published], choices: &[bool]) -> Vec<Published> {
    let mut choices = choices.iter().cycle();
    let mut records = Vec::new();
    while !l1.is_empty() || !l2.is_empty() {
        let from = if *choices.next().unwrap() { &mut l1 } else { &mut l2 };
        if let Some((first, rest)) = from.split_first() {
            records.push(first.clone());
            *from = rest;
        }
    }
    records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_opening_holds_and_the_streams_rebuild_the_state(
        wishes in (any_traffic(), any::<bool>()).prop_flat_map(|(traffic, l1)| wishes(traffic, l1, 0..250)),
        choices in prop::collection::vec(any::<bool>(), 1..50),
        narrow in any::<bool>(),
    ) {
        // A shape with few rows for headers, so that some of them go into rows for slots.
        let narrow_shape = || Shape { header_cells: 3, ..mixed() };
        let shapes = vec![full(), if narrow { narrow_shape() } else { mixed() }, small()];
        let Ok(batch) = Batch::new(&wishes, if narrow { shapes[1..].to_vec() } else { shapes }) else { return Ok(()) };
        let inputs = batch.inputs();
        let publication = inputs.publication().clone();
        let inputs = inputs.finish(batch.final_root()).unwrap();
        prop_assert_eq!(inputs.len(), batch.plan.chunks.len());
        prop_assert_eq!(follow(&batch, &inputs, &publication), batch.final_root());

        let [l1, l2] = [Stream::L1, Stream::L2].map(|stream| publication.bytes(stream));
        let rebuilt = rebuild(&batch.state, &context(), &l1, &l2).unwrap();
        prop_assert_eq!(&rebuilt, &batch.execution.cells);

        let records = |stream, bytes: &[u8]| decode(stream, &from_bytes(bytes).unwrap()).unwrap();
        let (l1, l2) = (records(Stream::L1, &l1), records(Stream::L2, &l2));
        let mut replay = Replay::default();
        shuffle(&l1, &l2, &[&choices[..], &[true, false]].concat()).iter().for_each(|record| replay.add(record));
        prop_assert_eq!(&replay.finish(&batch.state, &context()).unwrap(), &batch.execution.cells);
    }
}

fn payments(count: u32) -> Vec<Wish> {
    (0..count)
        .map(|i| Wish::Transfer { from: FIRST_USER + i, to: FIRST_USER + i + 1, slot: 0, amount: 5, fee: 1 })
        .collect()
}

#[test]
fn a_plan_on_another_state_is_refused() {
    let mut batch = Batch::new(&payments(20), vec![small()]).unwrap();
    assert_eq!(
        batch.inputs().finish(Digest::ZERO).unwrap_err(),
        ChunkError::Root { expected: Digest::ZERO, got: batch.final_root() }
    );
    batch.state = MemoryState::new();
    assert!(matches!(batch.inputs().next(), Some(Err(ChunkError::Rejected { .. }))));
    let mut inputs = batch.inputs();
    assert!(inputs.next().is_some_and(|input| input.is_err()) && inputs.next().is_none(), "it ends at an error");
}

#[test]
fn inputs_survive_being_stored() {
    let batch = Batch::new(&payments(20), vec![small()]).unwrap();
    let inputs = batch.inputs().finish(batch.final_root()).unwrap();
    let stored = serde_json::to_vec(&inputs).unwrap();
    assert_eq!(serde_json::from_slice::<Vec<ChunkInput>>(&stored).unwrap(), inputs);
}

#[test]
fn streams_that_do_not_fit_the_state_are_refused() {
    let batch = Batch::new(&payments(3), vec![small()]).unwrap();
    let l2 = batch.inputs().publication().bytes(Stream::L2);
    let error = rebuild(&MemoryState::new(), &context(), &[], &l2).unwrap_err();
    assert!(matches!(error, RebuildError::NotOpen { .. }), "{error}");
    let error = rebuild(&batch.state, &context(), &[], &l2[1..]).unwrap_err();
    assert!(matches!(error, RebuildError::Stream { stream: Stream::L2, .. }), "{error}");
    let error = rebuild(&batch.state, &context(), &l2, &[]).unwrap_err();
    assert!(matches!(error, RebuildError::Stream { stream: Stream::L1, .. }), "{error}");
    let timeless = Context { timestamp_s: u64::MAX, ..context() };
    let error = rebuild(&batch.state, &timeless, &[], &l2).unwrap_err();
    assert!(matches!(error, RebuildError::Context(ContextError::TooWide { field: "timestamp_s", .. })), "{error}");
    // The same batch over and over, until the first account has nothing left.
    let error = rebuild(&batch.state, &context(), &[], &l2.repeat(2_000)).unwrap_err();
    assert!(matches!(error, RebuildError::Balance { balance, .. } if balance < 0), "{error}");
}
