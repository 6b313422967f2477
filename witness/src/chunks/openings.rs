//! The openings of one chunk: every touched cell, with its path in the tree as the openings before it left it.
//!
//! Headers alone go first, by ascending account, as many as the shape has rows for. Then come slots, by ascending key,
//! and among them the headers that found no row. The first slot of an account opens its header too.
//!
//! The circuit fills unused rows of either sort by repeating the last one in use, so there is always one: where every
//! account has slots, the first one's header has a row of its own; where none has, a row for slots opens nothing.

use sheaf_circuits::account::{AccountIndex, AssetId, Cell, CellKey, SlotPath};
use sheaf_circuits::chunk::{HeaderOpening, Shape, SlotOpening};

use crate::state::{NotLoaded, PartialTree};

/// What a chunk does to a cell that it touches.
pub(super) struct Change {
    pub key: CellKey,
    pub before: Cell,
    pub after: Cell,
}

/// The openings for `changes`, which are by ascending key. The header of a user's account is among them if a slot is;
/// that of a contract's need not be. Leaves `tree` as it is after the chunk.
pub(super) fn open(
    shape: &Shape,
    changes: &[Change],
    tree: &mut PartialTree,
) -> Result<(Vec<HeaderOpening>, Vec<SlotOpening>), NotLoaded> {
    let mut headers_alone = 0;
    let mut headers = Vec::with_capacity(shape.header_cells);
    let mut in_slot_rows = Vec::with_capacity(shape.slot_cells);
    for account in accounts(changes, |change| change.key) {
        if account.len() == 1 && account[0].key.is_header() && headers_alone < shape.header_cells {
            headers_alone += 1;
            headers.push(open_header(&account[0], tree)?);
        } else {
            in_slot_rows.push(account);
        }
    }
    let mut slots = Vec::with_capacity(shape.slot_cells);
    // The operator's header is always among the changes, so there is one that can have a row of its own.
    let lacking = headers.is_empty() && shape.header_cells > 0;
    let apart = in_slot_rows.iter().position(|account| lacking && account[0].key.is_header());
    if let Some(position) = apart {
        headers.push(open_header(&in_slot_rows[position][0], tree)?);
    }
    for (position, account) in in_slot_rows.into_iter().enumerate() {
        match apart == Some(position) {
            true => open_slots(&account[1..], tree, &mut slots)?,
            false => open_account(account, tree, &mut slots)?,
        }
    }
    if let (true, [first, ..]) = (slots.is_empty() && shape.slot_cells > 0, changes) {
        slots.push(open_nothing(first.key.account(), tree)?);
    }
    Ok((headers, slots))
}

/// Keys that [`open`] needs paths beside, other than those that the chunk touches.
pub(super) fn keys_beside(shape: &Shape, touched: &[CellKey]) -> Vec<CellKey> {
    let alone = accounts(touched, |&key| key).filter(|account| account.len() == 1 && account[0].is_header());
    let overflowing = alone.skip(shape.header_cells).map(|account| first_slot(account[0].account()));
    // For a row that opens nothing, if there has to be one.
    let first = touched.first().map(|key| first_slot(key.account()));
    overflowing.chain(first).collect()
}

/// The runs of one account in what is sorted by key.
fn accounts<'a, T>(sorted: &'a [T], key: impl Fn(&T) -> CellKey + 'a) -> impl Iterator<Item = &'a [T]> + 'a {
    sorted.chunk_by(move |a, b| key(a).account() == key(b).account())
}

fn open_header(header: &Change, tree: &mut PartialTree) -> Result<HeaderOpening, NotLoaded> {
    let account = header.key.account();
    let path = tree.header_path(account)?;
    tree.set_header(account, header.after.digest())?;
    Ok(HeaderOpening { account, cell: header.before, path })
}

/// Opens an account in rows for slots: its header with the first slot, or alone.
fn open_account(changes: &[Change], tree: &mut PartialTree, rows: &mut Vec<SlotOpening>) -> Result<(), NotLoaded> {
    let (header, slots) = changes.split_first().expect("a run is not empty");
    if !header.key.is_header() {
        return open_slots(changes, tree, rows);
    }
    let account = header.key.account();
    let opens_header = |cell, key, path| SlotOpening {
        key,
        cell,
        header: Some(header.before),
        header_digest: header.before.digest(),
        path,
    };
    match slots.first() {
        Some(slot) => rows.push(opens_header(slot.before, slot.key, tree.slot_path(slot.key)?)),
        None => rows.push(opens_header(Cell::ABSENT, header.key, path_of_slot_zero(account, tree)?)),
    }
    tree.set_header(account, header.after.digest())?;
    if let Some(slot) = slots.first() {
        tree.set_slot(slot.key, slot.after.digest())?;
        open_slots(&slots[1..], tree, rows)?;
    }
    Ok(())
}

/// Opens slots of an account whose header is open already, or stays closed.
fn open_slots(changes: &[Change], tree: &mut PartialTree, rows: &mut Vec<SlotOpening>) -> Result<(), NotLoaded> {
    for slot in changes {
        let (key, path) = (slot.key, tree.slot_path(slot.key)?);
        let header_digest = tree.header_digest(key.account())?;
        rows.push(SlotOpening { key, cell: slot.before, header: None, header_digest, path });
        tree.set_slot(key, slot.after.digest())?;
    }
    Ok(())
}

/// A row for slots in which neither slot nor header is opened.
fn open_nothing(account: AccountIndex, tree: &PartialTree) -> Result<SlotOpening, NotLoaded> {
    let (header_digest, path) = (tree.header_digest(account)?, path_of_slot_zero(account, tree)?);
    Ok(SlotOpening { key: account.header_key(), cell: Cell::ABSENT, header: None, header_digest, path })
}

/// The path of slot 0 in the slots tree, where nothing ever is, because slot 0 stands for the header. It is that of
/// slot 1, with slot 1 itself as the first sibling.
fn path_of_slot_zero(account: AccountIndex, tree: &PartialTree) -> Result<SlotPath, NotLoaded> {
    let beside = first_slot(account);
    let mut path = tree.slot_path(beside)?;
    path.slots[0] = tree.slot_digest(beside)?;
    Ok(path)
}

fn first_slot(account: AccountIndex) -> CellKey {
    account.balance_key(AssetId::new(1).expect("1 is an asset"))
}
