//! Proving: chunks, lifts and joins, on all cores.
//!
//! `cargo bench -p sheaf-aggregator --bench proving`, some ten minutes on two cores. Ten runs each: Criterion warns that
//! they take more than its five seconds.
//!
//! | measured | of | profiles |
//! | --- | --- | --- |
//! | a small chunk | 12 transfers of asset 0, 2^12 rows | both |
//! | a full chunk | 413 transfers of asset 0, 2^16 rows | proven; in fast it takes about as long |
//! | lift of one, lift of two, join | small chunks | both |
//!
//! A lift's rows, and so its time, are those of the common shape, whatever chunks it takes. With the fast profile two
//! full chunks do not fit into a lift, two small ones do.
//!
//! A chunk is measured from its input: execution and witness are a part. Lift and join verify what they are given
//! first, as they do in the pipeline. Circuits, signatures, inputs and the proofs below are made once, outside of what
//! is measured.

use criterion::measurement::WallTime;
use criterion::{criterion_group, criterion_main, BenchmarkGroup, Criterion, SamplingMode};
use sheaf_aggregator::pipeline::Circuits;
use sheaf_circuits::account::{AccountIndex, AssetId, Cell, CellKey, Header};
use sheaf_circuits::amount::{Fee, Quanta};
use sheaf_circuits::chunk::{shapes, ChunkInput, Shape};
use sheaf_circuits::context::{Context, ContractAddress, Domain};
use sheaf_circuits::hash::Digest;
use sheaf_circuits::security::Profile;
use sheaf_circuits::signature::SecretKey;
use sheaf_circuits::transaction::{Authorization, Transaction, Transfer};
use sheaf_witness::chunks::ChunkInputs;
use sheaf_witness::execute::{execute, SignatureChecks};
use sheaf_witness::plan::{plan, Grouping};
use sheaf_witness::state::{MemoryState, StateRead};

const OPERATOR: u32 = 1;
const FIRST_USER: u32 = 1 << 16;

fn account(index: u32) -> AccountIndex {
    AccountIndex::new(index).expect("below 2^24")
}

fn quanta(amount: u64) -> Quanta {
    Quanta::new(amount).expect("below 2^62")
}

fn key(index: u32) -> SecretKey {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&index.to_be_bytes());
    SecretKey::from_seed(&seed)
}

fn context() -> Context {
    Context {
        domain: Domain { chain_id: 1, contract: ContractAddress([7; 20]) },
        batch_number: 1,
        operator: account(OPERATOR),
        timestamp_s: 1_700_000_000,
    }
}

fn header(index: u32) -> (CellKey, Cell) {
    (account(index).header_key(), Header::open(key(index).public().hash(), quanta(1 << 40)).to_cell())
}

/// A transfer of asset 0 between two accounts that no other transfer touches.
fn transfer(number: u32) -> Transaction {
    let from = FIRST_USER + 2 * number;
    let transfer = Transfer {
        account: account(from),
        nonce: 0,
        fee: Fee::new(21_000).expect("a fee"),
        asset: AssetId::GAS,
        to: account(from + 1),
        amount: quanta(5_000_000_000),
    };
    let key = key(from);
    let signature = key.sign(transfer.message(&context().domain));
    Transaction::Transfer(transfer, Authorization { public_key: *key.public(), signature })
}

/// The inputs of `count` chunks of `shape`, one after another, all slots filled.
fn chunks(shape: Shape, count: usize, allowed_set: Digest) -> Vec<ChunkInput> {
    let transfers = (count * shape.slot_count()) as u32;
    let users = FIRST_USER..FIRST_USER + 2 * transfers;
    let state = MemoryState::with_cells(std::iter::once(OPERATOR).chain(users).map(header).collect());
    let transactions: Vec<_> = (0..transfers).map(transfer).collect();
    let execution = execute(&context(), &transactions, &state, SignatureChecks::Verify).expect("the batch is sound");
    let applied = execution.applied(&transactions);
    let root = state.prepare(execution.cells).expect("in memory").root();
    let shapes = [shape];
    let plan = plan(&applied, context().operator, &shapes, Grouping::BySharedCells).expect("everything fits");
    assert_eq!((plan.chunks.len(), applied.len()), (count, transactions.len()));
    let inputs = ChunkInputs::new(&context(), &applied, &plan, &shapes, &state, allowed_set).expect("in memory");
    inputs.finish(root).expect("plan and state fit")
}

fn measure(group: &mut BenchmarkGroup<'_, WallTime>, profile: Profile) {
    let circuits = Circuits::new(profile, |_| ()).expect("the pinned circuits are of this program");
    let recursion = circuits.recursion();
    let prove = |input: &ChunkInput| {
        let shape = circuits.shape_index(&input.shape).expect("one of ours");
        circuits.chunk(shape).expect("as pinned").prove(input).expect("the input is sound")
    };

    let small = chunks(shapes::small(), 3, circuits.allowed_set());
    let proofs: Vec<_> = small.iter().map(prove).collect();
    group.bench_function(format!("{profile}/small chunk"), |bencher| bencher.iter(|| prove(&small[0])));

    let shape = circuits.shape_index(&small[0].shape).expect("one of ours");
    let lift_of_one = || recursion.lift(shape, &[&proofs[2]]).expect("the chunk is sound");
    let lift_of_two = || recursion.lift(shape, &[&proofs[0], &proofs[1]]).expect("neighbours");
    let (left, right) = (lift_of_two(), lift_of_one());
    let join = || recursion.join(&left, &right).expect("neighbours");
    join();
    group.bench_function(format!("{profile}/lift of one"), |bencher| bencher.iter(lift_of_one));
    group.bench_function(format!("{profile}/lift of two"), |bencher| bencher.iter(lift_of_two));
    group.bench_function(format!("{profile}/join"), |bencher| bencher.iter(join));

    if profile == Profile::Proven {
        let full = chunks(shapes::payments(), 1, circuits.allowed_set());
        circuits.chunk(circuits.shape_index(&full[0].shape).expect("one of ours")).expect("as pinned");
        group.bench_function(format!("{profile}/full chunk"), |bencher| bencher.iter(|| prove(&full[0])));
    }
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("proving");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for profile in [Profile::Fast, Profile::Proven] {
        measure(&mut group, profile);
    }
    group.finish();
}

criterion_group!(proving, benches);
criterion_main!(proving);
