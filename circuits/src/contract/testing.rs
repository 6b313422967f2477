//! What tests of contracts share: a circuit for one form, honest calls, and a prover who forges their effects.

use plonky2::iop::target::Target;
use proptest::prelude::*;

use super::{execute_call_by, Call, CallKind, Effects, FormId, SignedCall};
use crate::account::{AccountIndex, AssetId, Cell};
use crate::amount::{Fee, Quanta};
use crate::chunk::circuit::ChunkCircuit;
use crate::chunk::tests::verdict::{Examiner, Violation};
use crate::chunk::tests::world::{account, context, sign, World};
use crate::chunk::trace::ChunkTrace;
use crate::chunk::{ChunkInput, Shape, SlotClass};
use crate::hash::F;
use crate::security::Profile;
use crate::transaction::{execute, Published, Rejection, Stream, Transaction};

/// A circuit with two slots for calls of one form, and all rows of it.
pub struct Bench {
    pub circuit: &'static ChunkCircuit,
    pub examiner: Examiner<'static>,
}

impl Bench {
    pub fn new(form: &str) -> Self {
        let form = FormId::by_name(form).unwrap();
        let runs = vec![(SlotClass::Calls(form), 2)];
        let mut shape = Shape { name: "test", degree_bits: 11, runs, header_cells: 9, slot_cells: 10 };
        if ChunkCircuit::rows(&shape) > 2030 {
            shape.degree_bits = 12;
        }
        let circuit: &'static ChunkCircuit = Box::leak(Box::new(ChunkCircuit::build(shape, Profile::Fast)));
        Self { circuit, examiner: Examiner::new(circuit) }
    }

    /// Rows that one more slot takes, in hundredths, cells not counted.
    pub fn marginal_rows(form: &str) -> usize {
        let form = FormId::by_name(form).unwrap();
        let rows = |count| {
            let runs = vec![(SlotClass::Gas, 10), (SlotClass::Calls(form), count)];
            ChunkCircuit::rows(&Shape { name: "test", degree_bits: 16, runs, header_cells: 10, slot_cells: 10 })
        };
        rows(200) - rows(100)
    }

    /// What the circuit has against honest execution of `transactions`; the state afterwards. Panics where native
    /// execution refuses one.
    pub fn honest(&self, world: &World, transactions: &[Transaction]) -> (Vec<Violation>, World) {
        let mut native = world.clone();
        for transaction in transactions {
            execute(transaction, &context(), &mut native).unwrap();
        }
        let (input, after) = world.chunk(&self.circuit.shape, transactions);
        (self.examiner.violations(&self.trace(&input)), after)
    }

    fn trace(&self, input: &ChunkInput) -> ChunkTrace {
        ChunkTrace::new(&self.circuit.shape, input).unwrap()
    }

    /// What the circuit has against a prover who says that `transaction` does `forge` says, whatever it should do. The
    /// contract's cells before are what `forge` is given.
    pub fn forged(
        &self,
        world: &World,
        transaction: &Transaction,
        forge: impl Fn(&Call, &[Cell]) -> Effects,
    ) -> Vec<Violation> {
        self.forged_and(world, transaction, forge, |_| ())
    }

    /// [`Self::forged`], with a trace that is changed in the end.
    pub fn forged_and(
        &self,
        world: &World,
        transaction: &Transaction,
        forge: impl Fn(&Call, &[Cell]) -> Effects,
        change: impl Fn(&mut ChunkTrace),
    ) -> Vec<Violation> {
        self.forged_with(world, transaction, forge, change, &[])
    }

    /// [`Self::forged_and`], where the prover also overrides what generators would set: see [`Examiner::hints`].
    pub fn forged_with(
        &self,
        world: &World,
        transaction: &Transaction,
        forge: impl Fn(&Call, &[Cell]) -> Effects,
        change: impl Fn(&mut ChunkTrace),
        forced: &[(Target, F)],
    ) -> Vec<Violation> {
        let transactions = [transaction.clone()];
        let Transaction::Call(signed) = transaction else { panic!("a call") };
        let forge = |cells: &[Cell]| Ok(forge(&signed.call, cells));
        let (input, _) =
            world.chunk_by(&self.circuit.shape, &transactions, &mut |transaction, world| match transaction {
                Transaction::Call(signed) => execute_call_by(signed, world, forge),
                _ => execute(transaction, &context(), world),
            });
        let mut trace = ChunkTrace::run(&self.circuit.shape, &input, &mut |transaction, memory| match transaction {
            Transaction::Call(signed) => execute_call_by(signed, memory, forge),
            _ => execute(transaction, &context(), memory),
        })
        .unwrap();
        change(&mut trace);
        self.examiner.violations_with(&trace, forced)
    }
}

/// What the form says of `transaction` in `world`.
pub fn verdict(world: &World, transaction: &Transaction) -> Result<World, Rejection> {
    let mut after = world.clone();
    execute(transaction, &context(), &mut after).map(|_| after)
}

/// The rule that refuses `transaction`.
pub fn broken_rule(world: &World, transaction: &Transaction) -> &'static str {
    match verdict(world, transaction) {
        Err(Rejection::Refused { rule }) => rule.rule(),
        other => panic!("expected a refusal, got {:?}", other.map(|_| ())),
    }
}

/// What `call` does in `world` if nothing else is asked: for forged calls that are otherwise right.
pub fn effects(call: &Call, cells: &[Cell]) -> Effects {
    call.kind.form().apply(call, &context(), cells).unwrap()
}

/// A call that is not signed.
pub fn call(kind: &str, signer: u32, nonce: u64, fee: u64, values: &[u64]) -> Call {
    let kind = CallKind::all().find(|known| known.name() == kind).unwrap();
    let call = Call { kind, account: account(signer), nonce, fee: Fee::new(fee).unwrap(), values: values.to_vec() };
    call.check().unwrap();
    call
}

/// A call signed by its account, with the test key of its index.
pub fn signed(call: Call) -> Transaction {
    signed_by(call, None)
}

/// A call signed by its account, and by a second one over the same message.
pub fn signed_by(call: Call, second: Option<u32>) -> Transaction {
    let message = call.message(&context().domain);
    let authorization = sign(call.account.get(), message);
    let second = second.map(|second| sign(second, message));
    Transaction::Call(Box::new(SignedCall { call, authorization, second }))
}

/// All that accounts hold of an asset in slots and headers, contracts' own numbers not counted.
pub fn balance(world: &World, holder: u32, asset: u16) -> u64 {
    let key = account(holder).balance_key(AssetId::new(asset).unwrap());
    let cell = world.cell(key);
    match asset {
        0 => crate::account::Header::from_cell(&cell).unwrap().map_or(0, |header| header.balance.get()),
        _ => cell.balance().unwrap().get(),
    }
}

/// Sets what an account holds.
pub fn fund(world: &mut World, holder: u32, asset: u16, amount: u64) {
    let index: AccountIndex = account(holder);
    let amount = Quanta::new(amount).unwrap();
    if asset == 0 {
        let mut header = crate::account::Header::from_cell(&world.cell(index.header_key())).unwrap().unwrap();
        header.balance = amount;
        world.set(index.header_key(), header.to_cell());
    } else {
        world.set(index.balance_key(AssetId::new(asset).unwrap()), Cell::from_balance(amount));
    }
}

/// Amounts of every size below 2^`bits`.
pub fn amounts(bits: u32) -> impl Strategy<Value = u64> {
    (0..bits).prop_flat_map(|width| 0..=(1u64 << width) * 2 - 1)
}

/// The call as who rebuilds the state has it: from its published words and the contract's cells.
pub fn replayed(call: &Call, world: &World) -> Call {
    let words = call.published();
    let (published, length) = Published::decode(Stream::L2, &words).unwrap();
    assert_eq!(length, words.len());
    let Published::Call(mut replayed) = published else { panic!("a call") };
    call.kind.form().complete(&mut replayed, &mut |key| world.cell(key));
    *replayed
}

/// Checks that whoever has the published words and the contract's cells alone finds the same places and effects.
pub fn assert_call_replays(world: &World, call: &Call) {
    let again = replayed(call, world);
    assert_eq!(again.check(), Ok(()));
    let places = call.kind.form().places(&again);
    assert_eq!(places, call.kind.form().places(call));
    let cells: Vec<Cell> = places.cells.iter().map(|key| key.map_or(Cell::ABSENT, |key| world.cell(key))).collect();
    assert_eq!(effects(&again, &cells), effects(call, &cells));
}

/// [`assert_call_replays`] of a transaction.
pub fn assert_replays(world: &World, transaction: &Transaction) {
    let Transaction::Call(signed) = transaction else { panic!("a call") };
    assert_call_replays(world, &signed.call);
}
