//! One batch with every kind of call, and others when a challenge is nearly over, and over: executed on any number of
//! threads, planned, traced through the shapes, published, and rebuilt from what was published.

mod support;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use plonky2::field::types::Field;
use proptest::prelude::*;

use sheaf_circuits::account::{AccountIndex, Cell, CellKey};
use sheaf_circuits::amount::Fee;
use sheaf_circuits::chunk::trace::ChunkTrace;
use sheaf_circuits::chunk::{shapes, Shape};
use sheaf_circuits::context::Context;
use sheaf_circuits::contract::{Call, CallKind, SignedCall, Width, FIRST_CONTRACT};
use sheaf_circuits::contracts::channels::{CHALLENGE_BATCHES, CHALLENGE_SECONDS};
use sheaf_circuits::contracts::registry::FIRST_CREATED_ASSET;
use sheaf_circuits::hash::{Digest, F};
use sheaf_circuits::transaction::{Kind, Stream, Transaction};
use sheaf_witness::chunks::ChunkInputs;
use sheaf_witness::execute::{execute, Execution, Receipt, SignatureChecks};
use sheaf_witness::plan::{plan, Grouping};
use sheaf_witness::rebuild::rebuild;
use sheaf_witness::state::{MemoryState, StateRead};

use self::support::*;

const POOL_1: u64 = FIRST_CONTRACT as u64 + 1;
const POOL_2: u64 = POOL_1 + 1;
const TOKEN: u64 = POOL_1 + 2;
const SPLIT: u64 = POOL_1 + 3;
const CHANNEL_1: u64 = POOL_1 + 4;
const CHANNEL_2: u64 = POOL_1 + 5;
const LOCK: u64 = POOL_1 + 6;
const SHARES: u64 = FIRST_CREATED_ASSET as u64;
const CREATED: u64 = SHARES + 50;
const NEVER: u64 = (1 << 56) - 1;
const FEE: u64 = 1;
/// What tells the keys of channels from those of accounts.
const CHANNEL_KEYS: u32 = 5_000_000;

/// Transactions with the nonces that follow from them.
#[derive(Default)]
struct History {
    nonces: BTreeMap<u32, u64>,
    transactions: Vec<Transaction>,
}

impl History {
    fn nonce(&mut self, account: u32) -> u64 {
        let nonce = self.nonces.entry(account).or_default();
        *nonce += 1;
        *nonce - 1
    }

    fn call(&mut self, kind: &str, signer: u32, fields: &[(&str, u64)]) -> &mut Call {
        self.call_with(kind, signer, fields, &[], None)
    }

    fn call_with(
        &mut self,
        kind: &str,
        signer: u32,
        fields: &[(&str, u64)],
        digests: &[(&str, Digest)],
        second: Option<u32>,
    ) -> &mut Call {
        let kind = CallKind::by_name(kind).unwrap_or_else(|| panic!("{kind}"));
        let nonce = self.nonce(signer);
        let fee = Fee::new(FEE).unwrap();
        let mut call = Call::new(kind, account(signer), nonce, fee, fields).unwrap_or_else(|error| panic!("{error}"));
        for (name, digest) in digests {
            let mut all = kind.form_id().spec().fields();
            let (first, field) = all.find(|(_, field)| field.name == *name).unwrap();
            assert_eq!(field.width, Width::Digest);
            call.values[first..first + 8].copy_from_slice(&(*digest).halves());
        }
        let domain = context().domain.digest();
        let authorization = keys::sign(signer, call.message_under(domain));
        let mut signed = SignedCall { call, authorization, second: Some(authorization) };
        // What the second signer signs follows from the call.
        let message = Transaction::Call(Box::new(signed.clone())).second_claim(domain).map(|(_, message)| message);
        signed.second = second.map(|second| keys::sign(second, message.expect("a second signature is due")));
        self.transactions.push(Transaction::Call(Box::new(signed)));
        let Some(Transaction::Call(signed)) = self.transactions.last_mut() else { unreachable!() };
        &mut signed.call
    }

    fn pay(&mut self, from: u32, slot: u16, to: u32, amount: u64) {
        let nonce = self.nonce(from);
        self.transactions.push(signed(transfer(from, nonce, FEE, slot, to, amount)));
    }
}

fn user(number: u32) -> u32 {
    FIRST_USER + number
}

/// Every kind of call, between payments.
fn first_batch() -> History {
    let mut history = History::default();
    let h = &mut history;
    let create = |h: &mut History, pool, asset_0, asset_1, share| {
        let fields = [
            ("pool", pool),
            ("asset_0", asset_0),
            ("asset_1", asset_1),
            ("share_asset", share),
            ("amount", 1 << 30),
            ("deadline_s", NEVER),
        ];
        h.call("create_pool", user(0), &[&fields[..], &[("amount_1", 1 << 32)]].concat());
    };
    create(h, POOL_1, 1, 2, SHARES);
    create(h, POOL_2, 0, 2, SHARES + 1);
    let pool_1 = [("pool", POOL_1), ("asset_0", 1), ("asset_1", 2), ("share_asset", SHARES), ("deadline_s", NEVER)];
    let limits = |least: u64| [("limit_0", least), ("limit_1", least)];
    h.call("add_liquidity", user(1), &[&pool_1[..], &[("amount", 50_000)], &limits(NEVER)].concat());
    h.call("remove_liquidity", user(0), &[&pool_1[..], &[("amount", 70_000)], &limits(1)].concat());
    for i in 2..10 {
        let [asset_in, asset_out] = if i % 2 == 0 { [1, 2] } else { [2, 1] };
        let fields =
            [("asset_in", asset_in), ("asset_out", asset_out), ("pool", POOL_1), ("amount_in", 1000 + u64::from(i))];
        h.call("swap", user(i), &[&fields[..], &[("least_out", 1), ("deadline_s", NEVER)]].concat());
        h.pay(user(i), 0, user(i + 1), 5);
    }
    let route = [("asset_in", 1), ("middle", 2), ("asset_out", 0), ("pool_1", POOL_1), ("pool_2", POOL_2)];
    h.call(
        "swap_route",
        user(10),
        &[&route[..], &[("amount_in", 9000), ("least_out", 1), ("deadline_s", NEVER)]].concat(),
    );

    let name = [("name_hash", keys::key_hash(77))];
    h.call_with("create_asset", user(11), &[("asset", CREATED), ("supply", 1_000_000)], &name, None);
    h.pay(user(11), CREATED as u16, user(12), 400);
    h.call_with("mint_token", user(12), &[("token", TOKEN), ("royalty_bps", 1000)], &name, None);
    let sale = |buyer: u32, creator: u32, price| {
        [
            ("asset", 1),
            ("token", TOKEN),
            ("price", price),
            ("buyer", buyer.into()),
            ("creator", creator.into()),
            ("deadline_s", NEVER),
        ]
    };
    h.call_with("sell", user(12), &sale(user(13), user(12), 5001), &[], Some(user(13)));
    h.call_with("sell", user(13), &sale(user(14), user(12), 9999), &[], Some(user(14)));

    let split = [("asset", 0), ("split", SPLIT)];
    let mut fields = split.to_vec();
    let names: Vec<&str> =
        CallKind::by_name("create_split").unwrap().form_id().spec().fields.iter().map(|it| it.name).collect();
    fields.extend([(names[2], user(15).into()), (names[3], 6000), (names[4], user(16).into()), (names[5], 4000)]);
    h.call("create_split", user(17), &fields);
    h.call("pay_split", user(18), &[&split[..], &[("amount", 12_345)]].concat());
    h.call("claim_share", user(15), &[&split[..], &[("index", 0)]].concat());
    h.call("pay_split", user(18), &[&split[..], &[("amount", 1)]].concat());
    h.call("claim_share", user(16), &[&split[..], &[("index", 1)]].concat());

    let channel_keys = [("key_a", keys::key_hash(CHANNEL_KEYS + 19)), ("key_b", keys::key_hash(CHANNEL_KEYS + 20))];
    for channel in [CHANNEL_1, CHANNEL_2] {
        let salt = h.nonces.get(&user(19)).copied().unwrap_or(0) + 1;
        let fields = [
            ("asset", 1),
            ("salt", salt),
            ("amount_a", 700),
            ("amount_b", 300),
            ("channel", channel),
            ("b", user(20).into()),
            ("deadline_s", NEVER),
        ];
        h.call_with("open_channel", user(19), &fields, &channel_keys, Some(user(20)));
    }
    let state = |channel, salt, balance_a| {
        [
            ("channel", channel),
            ("a", user(19).into()),
            ("b", user(20).into()),
            ("asset", 1),
            ("salt", salt),
            ("balance_a", balance_a),
        ]
    };
    let close = |h: &mut History, kind, channel, salt, extra: &[(&str, u64)]| {
        let fields = [&state(channel, salt, 450)[..], extra].concat();
        // Signed by a, with a state signed by b's key of the channel; or the other way round.
        let (signer, own, other) = if kind == "close_channel" { (19, 19, 20) } else { (20, 20, 19) };
        let hashes: Vec<_> =
            own_key_fields(kind, keys::key_hash(CHANNEL_KEYS + own), keys::key_hash(CHANNEL_KEYS + other));
        h.call_with(kind, user(signer), &fields, &hashes, Some(CHANNEL_KEYS + other));
    };
    close(h, "close_channel", CHANNEL_1, 1, &[]);
    close(h, "dispute_channel", CHANNEL_2, 2, &[("version", 9)]);

    h.call("lock", user(21), &[("asset", 2), ("lock", LOCK), ("amount", 777), ("until_s", context().timestamp_s)]);
    h.call("unlock", user(21), &[("asset", 2), ("lock", LOCK), ("amount", 777)]);
    history
}

/// The digests of a form that names keys of a channel.
fn own_key_fields(kind: &str, own: Digest, other: Digest) -> Vec<(&'static str, Digest)> {
    let spec = CallKind::by_name(kind).unwrap().form_id().spec();
    let digests = spec.fields.iter().filter(|field| field.width == Width::Digest);
    digests.map(|field| (field.name, if field.name.contains("other") { other } else { own })).collect()
}

fn world() -> World {
    let mut world = genesis();
    for cell in world.values_mut() {
        // Enough for pools, for users of every asset.
        let balance = if cell.0[6] == Default::default() { 0 } else { 5 };
        cell.0[balance] = F::from_canonical_u64(1 << 40);
    }
    world
}

fn run(context: &Context, history: &History, state: &MemoryState) -> Execution {
    let execution = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| execute(context, &history.transactions, state, SignatureChecks::Verify).unwrap())
    };
    let first = execution(1);
    for threads in [2, 8] {
        let other = execution(threads);
        assert_eq!((&other.receipts, &other.cells, other.fees), (&first.receipts, &first.cells, first.fees));
    }
    for (transaction, receipt) in history.transactions.iter().zip(&first.receipts) {
        assert!(matches!(receipt, Receipt::Applied(_)), "{}: {receipt:?}", transaction.kind().name());
    }
    first
}

/// Plans, traces every chunk, and rebuilds from what is published. Returns the state afterwards.
fn prove_and_rebuild(context: &Context, history: &History, state: &MemoryState) -> MemoryState {
    let execution = run(context, history, state);
    let applied = execution.applied(&history.transactions);
    let shapes: Vec<Shape> = shapes::all();
    let plan = plan(&applied, context.operator, &shapes, Grouping::BySharedCells).unwrap();
    let after = state.prepare(execution.cells.clone()).unwrap();
    let inputs = ChunkInputs::new(context, &applied, &plan, &shapes, state, Digest::ZERO).unwrap();
    let publication = inputs.publication().clone();
    let root = after.root();
    for (input, chunk) in inputs.finish(root).unwrap().iter().zip(&plan.chunks) {
        let trace = ChunkTrace::new(&shapes[chunk.shape], input).unwrap();
        assert_eq!(trace.public_inputs.pre_root, input.start.root);
    }
    let [l1, l2] = [Stream::L1, Stream::L2].map(|stream| publication.bytes(stream));
    assert_eq!(rebuild(state, context, &l1, &l2).unwrap(), execution.cells);
    let mut next = state.clone();
    assert_eq!(next.commit(after).unwrap(), root);
    next
}

#[test]
fn every_kind_of_call_from_execution_to_rebuilding() {
    let history = first_batch();
    let state = state(&world());
    let after = prove_and_rebuild(&context(), &history, &state);

    // The challenge is over by the batches' numbers, and in its last second: there is time for an answer.
    let fields = [("channel", CHANNEL_2), ("a", user(19).into()), ("b", user(20).into()), ("asset", 1)];
    let last_s = context().timestamp_s + CHALLENGE_SECONDS;
    let nearly =
        Context { batch_number: context().batch_number + CHALLENGE_BATCHES + 1, timestamp_s: last_s, ..context() };
    let mut answer = History { nonces: history.nonces.clone(), transactions: vec![] };
    let state = [&fields[..], &[("salt", 2), ("balance_a", 300), ("version", 10)]].concat();
    answer.call_with("dispute_channel", user(19), &state, &[], Some(CHANNEL_KEYS + 20));
    let answered = prove_and_rebuild(&nearly, &answer, &after);

    // Then it is over.
    let later = Context { batch_number: nearly.batch_number + 1, timestamp_s: last_s + 1, ..nearly };
    let mut second = History { nonces: answer.nonces.clone(), transactions: vec![] };
    second.call("settle_channel", user(19), &fields);
    let settled = prove_and_rebuild(&later, &second, &answered);
    let [before, paid] = [&answered, &settled].map(|state| {
        let balances = [19, 20].map(|party| account(user(party)).balance_key(asset(1)));
        state.cells(&balances).unwrap().iter().map(|cell| cell.balance().unwrap().get()).collect::<Vec<_>>()
    });
    assert_eq!(paid, [before[0] + 300, before[1] + 700]);
    let header = AccountIndex::new(CHANNEL_2 as u32).unwrap().header_key();
    assert_eq!(settled.cells(&[header]).unwrap(), [Cell::ABSENT]);

    let seen = |kind| history.transactions.iter().chain(&second.transactions).any(|it| it.kind() == kind);
    let missing: Vec<_> = CallKind::all().map(Kind::Call).filter(|&kind| !seen(kind)).map(Kind::name).collect();
    assert!(missing.is_empty(), "no call of {missing:?}");
}

/// A state in which every contract has something, and open cells that hold nonsense.
fn populated() -> MemoryState {
    let history = first_batch();
    let execution = run(&context(), &history, &state(&world()));
    let mut cells: BTreeMap<CellKey, Cell> = world().into_iter().chain(execution.cells).collect();
    let nonsense = Cell([F::NEG_ONE; 8]);
    for slot in [0, 1, 3] {
        cells.insert(account(FIRST_CONTRACT + 20).balance_key(asset(slot)), nonsense);
    }
    MemoryState::with_cells(cells.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Whatever the L2 stream says, rebuilding ends with cells or with an error.
    #[test]
    fn rebuilding_from_any_calls_never_panics(
        calls in prop::collection::vec((any::<prop::sample::Index>(), 0u32..30, prop::collection::vec((any::<u64>(), any::<bool>()), 40)), 1..4),
    ) {
        static STATE: LazyLock<MemoryState> = LazyLock::new(populated);
        let kinds: Vec<CallKind> = CallKind::all().collect();
        let mut words = Vec::new();
        for (kind, signer, values) in calls {
            let kind = *kind.get(&kinds);
            let spec = kind.form_id().spec();
            let mut call = Call { kind, account: account(signer), nonce: 0, fee: Fee::ZERO, values: vec![] };
            let mut random = values.into_iter().cycle();
            for (_, field) in spec.fields() {
                for _ in 0..field.width.count() {
                    let (value, near) = random.next().unwrap();
                    let unused = kind.spec().unused.contains(&field.name);
                    call.values.push(match field.width {
                        _ if unused => 0,
                        // Accounts that are there, more often than not.
                        Width::Account if near => u64::from(FIRST_CONTRACT) + value % 24,
                        Width::Account => value % 40,
                        Width::Asset if near => value % 4,
                        width => value & ((1 << width.bits()) - 1),
                    });
                }
            }
            if call.check().is_ok() {
                words.extend(call.published());
            }
        }
        let bytes = sheaf_circuits::availability::to_bytes(&words);
        let _ = rebuild(&*STATE, &context(), &[], &bytes);
    }
}
