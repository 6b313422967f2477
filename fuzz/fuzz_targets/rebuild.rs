//! Rebuilding from any streams on a state with users and contracts: an error, or cells that differ; never a panic.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use plonky2::field::types::Field;
use sheaf_circuits::account::{AccountIndex, AssetId, Cell, CellKey, Header};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::context::{Context, ContractAddress, Domain};
use sheaf_circuits::contract::FIRST_CONTRACT;
use sheaf_circuits::contracts::exchange::Pool;
use sheaf_circuits::hash::{Digest, F};
use sheaf_witness::rebuild::rebuild;
use sheaf_witness::state::MemoryState;

fn account(index: u32) -> AccountIndex {
    AccountIndex::new(index).unwrap()
}

fn asset(id: u16) -> AssetId {
    AssetId::new(id).unwrap()
}

fn cell(elements: [u64; 8]) -> Cell {
    Cell(elements.map(F::from_canonical_u64))
}

static STATE: LazyLock<MemoryState> = LazyLock::new(|| {
    let quanta = |amount| Quanta::new(amount).unwrap();
    let mut cells: Vec<(CellKey, Cell)> = Vec::new();
    for index in 0..16 {
        cells.push((account(index).header_key(), Header::open(Digest::ZERO, quanta(1 << 50)).to_cell()));
        cells.push((account(index).balance_key(asset(1)), Cell::from_balance(quanta(1 << 50))));
    }
    let pool = Pool {
        assets: [AssetId::GAS, asset(1)],
        reserves: [quanta(1 << 40), quanta(1 << 41)],
        share_asset: asset(2048),
        shares: quanta(1 << 40),
    };
    let contract = |i: u32| account(FIRST_CONTRACT + i);
    cells.push((contract(0).header_key(), pool.to_cell()));
    // A token, a split with two holders and two channels, one closing, with elements as wide as elements can be.
    let wide = u64::MAX >> 1;
    cells.push((contract(1).header_key(), cell([1, 2, 3, 4, 5, 6 | 500 << 24, 3, 0])));
    cells.push((contract(2).header_key(), cell([1, 1 << 61, 0, 0, 0, 0, 4, 0])));
    cells.push((contract(2).balance_key(asset(1)), cell([5 | 6000 << 24, 6 | 4000 << 24, wide, wide, wide, wide, 7, 8])));
    cells.push((contract(3).header_key(), cell([1, 2, 3, 4, 5 | 6 << 24 | 1 << 48, 100, 5, 0])));
    cells.push((contract(3).balance_key(asset(1)), cell([1, 2, 3, 4, 50, 0, 0, 1])));
    cells.push((contract(6).header_key(), cell([1, 2, 3, 4, 5 | 6 << 24 | 1 << 48, 100, 5, 1])));
    cells.push((contract(6).balance_key(asset(1)), cell([1, 2, 3, 4, 50, 1, wide, 1])));
    cells.push((contract(4).header_key(), cell([wide; 8])));
    cells.push((contract(5).header_key(), cell([5, 1, 77, 0, 0, 0, 6, 0])));
    MemoryState::with_cells(cells)
});

fuzz_target!(|bytes: &[u8]| {
    let Some((&split, bytes)) = bytes.split_first() else { return };
    let domain = Domain { chain_id: 1, contract: ContractAddress([7; 20]) };
    let context = Context { domain, batch_number: 1, operator: account(1), timestamp_s: 1_700_000_000 };
    let (l1, l2) = bytes.split_at(bytes.len().min(7 * usize::from(split)));
    let _ = rebuild(&*STATE, &context, l1, l2);
});
