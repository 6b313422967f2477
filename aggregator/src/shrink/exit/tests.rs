//! The exit program: what it says of a state that a batch made, and that nothing else can be proven.

mod forgery;
mod world;

use std::convert::Infallible;
use std::sync::OnceLock;

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use sheaf_circuits::account::CellKey;
use sheaf_circuits::security::{Profile, Role};
use sheaf_prover::machine::cpu_seconds;
use sheaf_verifier_contract::Statement;
use sheaf_witness::state::{MemoryState, PartialTree, State, StateError, StateUpdate};

use self::forgery::{claim, proves};
use self::world::*;
use super::circuit::ExitLayer;
use super::*;
use crate::pins::pin;
use crate::shrink::circuit::ShrinkLayer;
use crate::shrink::shelf::Shelf;
use crate::shrink::tests::shrink;
use crate::shrink::values::CONTEXT;
use crate::shrink::{ProgramId, ShrinkProof, ShrinkVerifyError};

/// The program, built once: most of a minute of one core.
pub(crate) fn program() -> &'static ExitProgram {
    static PROGRAM: OnceLock<ExitProgram> = OnceLock::new();
    PROGRAM.get_or_init(|| ExitProgram::build().unwrap())
}

/// What is proven of it, once.
pub(crate) fn exited() -> &'static ShrinkProof {
    static PROOF: OnceLock<ShrinkProof> = OnceLock::new();
    PROOF.get_or_init(|| program().prove(&opening(ALICE, 1), &domain()).unwrap())
}

/// What L1 takes [`exited`] for.
pub(crate) fn statement() -> Statement {
    let ProgramId(program) = program().verifier().program_id();
    let program = program.into_bigint().to_bytes_be().try_into().unwrap();
    let Exit { account, asset, amount, root } = opening(ALICE, 1).exit().unwrap();
    Statement::exit(program, domain(), account, asset, amount, root)
}

fn opening(index: u32, id: u16) -> ExitOpening {
    ExitOpening::new(state(), account(index), asset(id)).unwrap()
}

fn refused(index: u32, id: u16) -> NotAnExit {
    match ExitOpening::new(state(), account(index), asset(id)).unwrap_err() {
        OpenError::NotAnExit(reason) => reason,
        error => panic!("{error}"),
    }
}

/// Every balance that the state holds for users.
const BALANCES: [(u32, u16, u64); 10] = [
    (OPERATOR, 0, 10),
    (ALICE, 0, 6000),
    (ALICE, 1, 70),
    (ALICE, 2, 20),
    (BOB, 0, 9000 - 1000 - 4 * 2),
    (BOB, 1, 4000 - 50 - 300),
    (BOB, 2, 33),
    (BOB, LAST_ASSET, (1 << 62) - 1),
    (CAROL, 1, 900),
    (LAST, 0, 10),
];

#[test]
fn every_balance_of_a_user_is_an_exit_and_is_proven() {
    for (index, id, amount) in BALANCES {
        let opening = opening(index, id);
        let exit = opening.exit().unwrap();
        let root = state().root();
        assert_eq!(exit, Exit { account: account(index), asset: asset(id), amount: quanta(amount), root });
        let values = exit.values(&domain()).unwrap();
        assert_eq!(values, claim(&opening));
        assert!(proves(&opening, &values, &[]), "{amount} of asset {id}, account {index}");
    }
}

#[test]
fn the_last_account_and_the_last_asset_have_their_paths() {
    let (index, id) = ((1 << 24) - 1, (1 << 12) - 1);
    let header = Header::open(Digest([F::TWO; 4]), Quanta::ZERO).to_cell();
    let key = account(index).balance_key(asset(id));
    let cells = vec![(account(index).header_key(), header), (key, Cell::from_balance(quanta(8)))];
    let state = MemoryState::with_cells(cells);
    let opening = ExitOpening::new(&state, account(index), asset(id)).unwrap();
    let values = opening.exit().unwrap().values(&domain()).unwrap();
    assert!(proves(&opening, &values, &[]));
}

#[test]
fn what_cannot_leave_is_refused_when_it_is_opened() {
    let nobody = account(77);
    assert_eq!(refused(77, 0), NotAnExit::NoAccount { account: nobody });
    assert_eq!(refused(77, 3), NotAnExit::NoAccount { account: nobody });
    assert_eq!(refused(LOCK, 0), NotAnExit::NotAUser { account: account(LOCK), kind: 6 });
    assert_eq!(refused(SPLIT, 1), NotAnExit::NotAUser { account: account(SPLIT), kind: 4 });
    // Never held, withdrawn, and none of the gas asset.
    for (index, id) in [(ALICE, 3), (LAST, 1), (CAROL, 0)] {
        assert_eq!(refused(index, id), NotAnExit::Nothing { account: account(index), asset: asset(id) });
    }
}

#[test]
fn a_state_on_disk_is_opened_at_its_latest_root() {
    let folder = tempfile::tempdir().unwrap();
    let on_disk = State::create(&folder.path().join("state"), &genesis()).unwrap();
    let in_memory = MemoryState::with_cells(genesis().cells());
    let reader = on_disk.reader(on_disk.root()).unwrap();
    for (index, id) in [(BOB, 0), (BOB, LAST_ASSET), (LAST, 1)] {
        let opened = ExitOpening::new(&reader, account(index), asset(id)).unwrap();
        assert_eq!(opened, ExitOpening::new(&in_memory, account(index), asset(id)).unwrap());
        assert_eq!(opened.exit().unwrap().root, on_disk.root());
    }
    let update = reader.prepare(vec![(account(BOB).header_key(), Cell::ABSENT)]).unwrap();
    on_disk.commit(&update).unwrap();
    let stale = ExitOpening::new(&reader, account(BOB), asset(0)).unwrap_err();
    assert!(matches!(stale, OpenError::Read(StateError::NotLatest { .. })));
}

/// A state whose stored cells are not those of its tree.
struct Damaged;

impl StateRead for Damaged {
    type Error = Infallible;

    fn root(&self) -> Digest {
        state().root()
    }

    fn cells(&self, keys: &[CellKey]) -> Result<Vec<Cell>, Infallible> {
        let mut cells = state().cells(keys)?;
        cells[0].0[Header::BALANCE] += F::ONE;
        Ok(cells)
    }

    fn prepare(&self, cells: Vec<(CellKey, Cell)>) -> Result<StateUpdate, Infallible> {
        state().prepare(cells)
    }

    fn partial_tree(&self, keys: &[CellKey]) -> Result<PartialTree, Infallible> {
        state().partial_tree(keys)
    }
}

#[test]
fn a_damaged_state_is_noticed_when_it_is_opened() {
    let error = ExitOpening::new(&Damaged, account(ALICE), AssetId::GAS).unwrap_err();
    assert!(matches!(error, OpenError::Root { expected, .. } if expected == state().root()));
    let error = ExitOpening::new(&Damaged, account(ALICE), asset(1)).unwrap_err();
    assert!(matches!(error, OpenError::Root { expected, .. } if expected == state().root()));
}

#[test]
fn a_chain_id_that_is_too_wide_is_refused() {
    let wide = Domain { chain_id: 1 << 56, ..domain() };
    let exit = opening(ALICE, 0).exit().unwrap();
    assert!(matches!(exit.values(&wide), Err(ContextError::TooWide { field: "chain_id", .. })));
}

/// The one full proof of this program: with building, the dearest test here.
#[test]
fn an_exit_is_shrunk_and_verifies() {
    let (proof, verifier) = (exited(), program().verifier());
    verifier.verify(proof).unwrap();
    pin("exit.txt", &format!("program id {}\n", verifier.program_id()));
    let rows: Vec<_> = program().layers().iter().map(|(role, _, rows)| (*role, *rows)).collect();
    assert_eq!(rows, [(Role::Squeeze3, 45), (Role::Shrink, 3951)]);

    // What it says, and what L1 hashes of that.
    let exit = opening(ALICE, 1).exit().unwrap();
    assert_eq!(proof.values, exit.values(&domain()).unwrap());
    let said = proof.values.statement(verifier.program_id()).unwrap();
    assert_eq!(said.to_bytes(), statement().to_bytes());

    // Said to another rollup, it is another statement.
    for position in CONTEXT {
        let mut other = proof.clone();
        other.values.0[position] += F::ONE;
        assert_eq!(verifier.verify(&other), Err(ShrinkVerifyError::Values), "value {position}");
        other.proof.public_inputs = other.values.public_inputs().to_vec();
        assert!(matches!(verifier.verify(&other), Err(ShrinkVerifyError::Plonky2(_))), "value {position}");
    }

    // It has the shape of a batch's proof, and is none.
    let bytes = proof.to_bytes(Profile::Proven);
    assert_eq!(verifier.decode(&bytes).as_ref(), Ok(proof));
    assert_eq!(shrink().verifier().common(), verifier.common());
    assert!(matches!(shrink().verifier().verify(proof), Err(ShrinkVerifyError::Plonky2(_))));
}

#[test]
fn the_program_refuses_what_is_no_exit_before_it_proves() {
    let alice = opening(ALICE, 1);
    let wide = Domain { chain_id: 1 << 56, ..domain() };
    assert!(matches!(program().prove(&alice, &wide), Err(ExitError::Domain(_))));
    let nothing = ExitOpening { slot: Cell::ABSENT, ..alice };
    assert!(matches!(program().prove(&nothing, &domain()), Err(ExitError::NotAnExit(NotAnExit::Nothing { .. }))));
}

#[test]
fn the_layout_is_that_of_the_contract() {
    let program = ProgramId(Fr::from(5));
    let bytes = Fr::from(5).into_bigint().to_bytes_be().try_into().unwrap();
    for (index, id, _) in BALANCES {
        let exit = opening(index, id).exit().unwrap();
        let Exit { account, asset, amount, root } = exit;
        let expected = Statement::exit(bytes, domain(), account, asset, amount, root);
        let values = exit.values(&domain()).unwrap();
        assert_eq!(values.0[CONTEXT], expected.context.elements());
        assert_eq!(values.statement(program).unwrap().to_bytes(), expected.to_bytes());
    }
}

#[test]
#[ignore = "a measurement"]
fn measure_both_layers() {
    let mut last = cpu_seconds().unwrap();
    let mut lap = |what: &str| {
        let now = cpu_seconds().unwrap();
        println!("{what}: {:.1} CPU s", now - last);
        last = now;
    };
    let opening = opening(ALICE, 1);
    let values = opening.exit().unwrap().values(&domain()).unwrap();
    lap("opened");
    let exit = ExitLayer::build().unwrap();
    lap(&format!("exit, {} rows, built", exit.rows));
    let proof = exit.prove(&opening, &domain()).unwrap();
    lap("exit proven");
    let shrink = ShrinkLayer::build(&exit.data, &Shelf::default()).unwrap();
    lap(&format!("shrink, {} rows, built", shrink.rows));
    shrink.prove(&proof, &values).unwrap();
    lap("shrink proven");
}
