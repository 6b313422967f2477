//! x
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use sheaf_circuits::account::*;
use sheaf_circuits::amount::*;
use sheaf_circuits::chunk::{Shape, SlotClass};
use sheaf_circuits::context::*;
use sheaf_circuits::hash::Digest;
use sheaf_circuits::signature::{SecretKey, Signature};
use sheaf_circuits::transaction::*;
use sheaf_witness::execute::{execute, Receipt, SignatureChecks};
use sheaf_witness::plan::{plan, Grouping};
use sheaf_witness::state::*;

fn cpu() -> f64 {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .map(|t| {
            let s = std::fs::read_to_string(t.unwrap().path().join("schedstat")).unwrap();
            s.split(' ').next().unwrap().parse::<f64>().unwrap()
        })
        .sum::<f64>()
        / 1e3
}
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let repeat: usize = std::env::args().nth(2).map_or(1, |x| x.parse().unwrap());
    let text = std::fs::read_to_string(path).unwrap();
    let mut accounts: HashMap<String, u32> = HashMap::new();
    let mut assets: HashMap<String, u16> = HashMap::from([("ETH".into(), 0)]);
    let mut nonces: HashMap<u32, u64> = HashMap::new();
    let mut world: BTreeMap<CellKey, Cell> = BTreeMap::new();
    let key = SecretKey::from_seed(&[1; 32]);
    let kh = key.public().hash();
    let sig: Signature = key.sign(Digest::ZERO);
    let mut txs = vec![];
    let op = AccountIndex::new(1).unwrap();
    world.insert(op.header_key(), Header::open(kh, Quanta::new(1 << 40).unwrap()).to_cell());
    let context = Context {
        domain: Domain { chain_id: 1, contract: ContractAddress([7; 20]) },
        batch_number: 1,
        operator: op,
        timestamp_s: 1,
    };
    let sign = std::env::args().nth(3).is_some();
    for r in 0..repeat {
        for line in text.lines().skip(1) {
            let f: Vec<&str> = line.split(',').collect();
            if f[2] != "transfer" || f[4] == f[5] {
                continue;
            }
            let mut acc = |a: &str| {
                let n = accounts.len() as u32;
                *accounts.entry(format!("{r}{a}")).or_insert(n + 100000)
            };
            let (from, to) = (acc(f[4]), acc(f[5]));
            let n = assets.len() as u16;
            let asset = AssetId::new(*assets.entry(f[3].into()).or_insert(n)).unwrap();
            let from = AccountIndex::new(from).unwrap();
            let to = AccountIndex::new(to).unwrap();
            for a in [from, to] {
                world.insert(a.header_key(), Header::open(kh, Quanta::new(1 << 40).unwrap()).to_cell());
                if !asset.is_gas() {
                    world.insert(a.balance_key(asset), Cell::from_balance(Quanta::new(1 << 40).unwrap()));
                }
            }
            let nonce = nonces.entry(from.get()).or_insert(0);
            let t = Transfer {
                account: from,
                nonce: *nonce,
                fee: Fee::new(1).unwrap(),
                asset,
                to,
                amount: Quanta::new(1).unwrap(),
            };
            *nonce += 1;
            let s = if sign { key.sign(t.message(&context.domain)) } else { sig };
            txs.push(Transaction::Transfer(t, Authorization { public_key: *key.public(), signature: s }));
        }
    }
    println!(
        "{} txs, {} accounts, world {} size of tx {}",
        txs.len(),
        accounts.len(),
        world.len(),
        std::mem::size_of::<Transaction>()
    );

    let state = MemoryState::with_cells(world.into_iter().collect());
    let mut ex = None;
    let t = Instant::now();
    let mut d = Digest::ZERO;
    for _ in 0..100000 {
        d = sheaf_circuits::hash::hash_node(d, d);
    }
    println!("poseidon {:.3} us {d}", t.elapsed().as_secs_f64() * 10.);
    let t = Instant::now();
    for i in 0..100000 {
        if let Transaction::Transfer(_, a) = &txs[i % txs.len()] {
            d.0[0] += a.public_key.hash().0[0];
        }
    }
    println!("key hash {:.3} us {d}", t.elapsed().as_secs_f64() * 10.);
    let pools = [1, 2].map(|t| rayon::ThreadPoolBuilder::new().num_threads(t).build().unwrap());
    std::thread::sleep(std::time::Duration::from_millis(20));
    for pool in &pools {
        let threads = pool.current_num_threads();
        let mut best = [f64::MAX; 5];
        let c = cpu();
        let mut bestcpu = f64::MAX;
        for _ in 0..if sign { 5 } else { 25 } {
            let t = Instant::now();
            let c1 = cpu();
            let e = pool.install(|| {
                execute(&context, &txs, &state, if sign { SignatureChecks::Verify } else { SignatureChecks::Skip })
                    .unwrap()
            });
            let g = e.timings;
            for (b, d) in best.iter_mut().zip([t.elapsed(), g.signatures, g.graph, g.read, g.run]) {
                *b = b.min(d.as_secs_f64() * 1e6 / txs.len() as f64);
            }
            bestcpu = bestcpu.min((cpu() - c1) / txs.len() as f64);
            ex = Some(e);
        }
        println!("cpu {:.3} min {bestcpu:.3}", (cpu() - c) / txs.len() as f64 / if sign { 5. } else { 25. });
        println!("{threads} threads, us/tx: total, signatures, graph, read, run {best:.3?}");
    }
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut best = f64::MAX;
        for _ in 0..5 {
            let cells = ex.as_ref().unwrap().cells.clone();
            let t = Instant::now();
            pool.install(|| state.prepare(cells).unwrap());
            best = best.min(t.elapsed().as_secs_f64() * 1e6 / txs.len() as f64);
        }
        println!("{threads} threads, root: {best:.3} us/tx");
    }
    let e = ex.unwrap();
    if std::env::args().nth(5).is_some() {
        return;
    }
    println!("{:?}", e.conflicts);
    println!("rejected {}", e.receipts.iter().filter(|r| matches!(r, Receipt::Rejected(_))).count());
    let applied = e.applied(&txs);
    let sh = |name, runs, h, s| Shape { name, degree_bits: 16, runs, header_cells: h, slot_cells: s };
    use SlotClass::*;
    let mixed = |n: usize, g, a, any, h, s| {
        sh("mixed", std::iter::once((Any, any)).chain((0..n).flat_map(move |_| [(Gas, g), (Asset, a)])).collect(), h, s)
    };
    let small = Shape { name: "small", degree_bits: 13, runs: vec![(Any, 16)], header_cells: 10, slot_cells: 30 };
    let full = |g, h| sh("full", vec![(Any, 16), (Gas, g)], h, 40);
    let sets: Vec<(&str, Vec<Shape>)> = vec![
        ("full 330/560+40", vec![full(330, 560), small.clone()]),
        ("full+mixed", vec![full(330, 560), mixed(50, 3, 2, 4, 250, 230), small.clone()]),
        ("full hot+mixed", vec![full(400, 430), mixed(50, 3, 2, 4, 250, 230), small.clone()]),
        (
            "full+hot+mixed",
            vec![full(330, 560), full(400, 430), full(460, 330), mixed(50, 3, 2, 4, 250, 230), small.clone()],
        ),
        ("full+asset", vec![full(330, 560), mixed(1, 0, 200, 4, 20, 390), small.clone()]),
    ];
    let sets: Vec<_> = sets.into_iter().filter(|_| true).collect();
    for (name, shapes) in sets {
        for g in [Grouping::None, Grouping::BySharedCells] {
            let t = Instant::now();
            let p = plan(&applied, op, &shapes, g).unwrap();
            let el = t.elapsed();
            let f = p.filling(&shapes);
            println!(
                "{name} {g:?} {el:?}: chunks {:?} slots {:.3} cells {:.3} cells/tx {:.3} rows/tx {:.1}",
                f.chunks,
                f.slots_used(),
                f.cells_used(),
                f.cells_per_transaction(),
                f.rows_per_transaction()
            );
            if std::env::args().nth(4).is_some() {
                for c in &p.chunks {
                    print!(
                        "[{} {}t {}h {}s] ",
                        shapes[c.shape].name,
                        c.transactions().count(),
                        c.header_rows,
                        c.slot_rows
                    );
                }
                println!();
            }
        }
    }
}
