//! Execution, planning and chunk inputs of a batch as large as sixty mainnet blocks.
//!
//! `cargo bench -p sheaf-witness --bench execution`. Rates are transactions a second; `root` is hashing alone, in
//! memory.

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{criterion_group, criterion_main, BatchSize, Criterion, Throughput};
use sheaf_circuits::hash::Digest;
use sheaf_witness::chunks::ChunkInputs;
use sheaf_witness::execute::{execute, ConflictGraph, Conflicts, SignatureChecks};
use sheaf_witness::plan::{plan, Grouping};
use sheaf_witness::state::StateRead;

use self::support::shapes::{full, mixed, small};
use self::support::traffic::mainnet_like;
use self::support::{context, state};

const TRANSACTIONS: usize = 12_800;

fn benches(criterion: &mut Criterion) {
    let (world, transactions) = mainnet_like(TRANSACTIONS, true);
    let state = state(&world);
    let run = |checks| execute(&context(), &transactions, &state, checks).expect("the batch is sound");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);

    let mut group = criterion.benchmark_group("execution");
    group.sample_size(20).throughput(Throughput::Elements(TRANSACTIONS as u64));
    for threads in [1, cores] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        group.bench_function(format!("run/{threads} threads"), |bencher| {
            bencher.iter(|| pool.install(|| run(SignatureChecks::Skip)))
        });
        group.bench_function(format!("run and root/{threads} threads"), |bencher| {
            bencher.iter(|| pool.install(|| state.prepare(run(SignatureChecks::Skip).cells)))
        });
        group.bench_function(format!("signatures, run and root/{threads} threads"), |bencher| {
            bencher.iter(|| pool.install(|| state.prepare(run(SignatureChecks::Verify).cells)))
        });
    }
    group.bench_function("conflict graph", |bencher| bencher.iter(|| ConflictGraph::new(transactions.iter())));
    let graph = ConflictGraph::new(transactions.iter()).expect("not too large");
    group.bench_function("conflict statistics", |bencher| bencher.iter(|| Conflicts::of(&graph)));

    let applied = run(SignatureChecks::Skip).applied(&transactions);
    let shapes = [full(), mixed(), small()];
    let plan_all = || plan(&applied, context().operator, &shapes, Grouping::BySharedCells).expect("everything fits");
    group.bench_function("plan", |bencher| bencher.iter(plan_all));
    let plan = plan_all();
    let inputs = || ChunkInputs::new(&context(), &applied, &plan, &shapes, &state, Digest::ZERO).expect("in memory");
    group.bench_function("publication", |bencher| bencher.iter(inputs));
    group.finish();

    let mut group = criterion.benchmark_group("chunk inputs");
    group.sample_size(10);
    group.bench_function("one full chunk", |bencher| {
        bencher.iter_batched(inputs, |mut inputs| inputs.next(), BatchSize::LargeInput)
    });
    group.finish();
}

criterion_group!(execution, benches);
criterion_main!(execution);
