//! The tree against a naive recomputation from the cells.

use std::collections::BTreeMap;

use plonky2::field::types::Field;
use proptest::prelude::*;
use sheaf_circuits::account::{AccountIndex, CellKey, ACCOUNT_BITS, SLOT_BITS};
use sheaf_circuits::hash::{hash_node, hash_tagged, tag, Digest, F};
use sheaf_witness::state::{MemoryTree, NotLoaded};

/// The state root over `leaves`, straight from the definition.
fn naive_root(leaves: &BTreeMap<CellKey, Digest>) -> Digest {
    let mut empty = vec![hash_node(Digest::ZERO, naive_subtree(SLOT_BITS, 0, &BTreeMap::new(), &naive_empty_slots()))];
    for height in 0..ACCOUNT_BITS {
        empty.push(hash_node(empty[height], empty[height]));
    }
    let mut accounts: BTreeMap<u64, (Digest, BTreeMap<u64, Digest>)> = BTreeMap::new();
    for (key, digest) in leaves {
        let account = accounts.entry(key.account().get().into()).or_default();
        match key.slot() {
            0 => account.0 = *digest,
            slot => drop(account.1.insert(slot.into(), *digest)),
        }
    }
    let nodes = accounts
        .into_iter()
        .map(|(index, (header, slots))| {
            (index, hash_node(header, naive_subtree(SLOT_BITS, 0, &slots, &naive_empty_slots())))
        })
        .collect();
    naive_subtree(ACCOUNT_BITS, 0, &nodes, &empty)
}

fn naive_empty_slots() -> Vec<Digest> {
    let mut empty = vec![Digest::ZERO];
    for height in 0..SLOT_BITS {
        empty.push(hash_node(empty[height], empty[height]));
    }
    empty
}

/// The root of the subtree of `height` over the leaves from `first` on.
fn naive_subtree(height: usize, first: u64, leaves: &BTreeMap<u64, Digest>, empty: &[Digest]) -> Digest {
    if leaves.range(first..first + (1 << height)).next().is_none() {
        return empty[height];
    }
    if height == 0 {
        return leaves[&first];
    }
    let half = 1 << (height - 1);
    hash_node(naive_subtree(height - 1, first, leaves, empty), naive_subtree(height - 1, first + half, leaves, empty))
}

fn digest(value: u64) -> Digest {
    match value {
        0 => Digest::ZERO,
        _ => hash_tagged(tag("test"), &[F::from_canonical_u64(value)]),
    }
}

/// Keys that meet often: few accounts, near and far, few slots, headers among them.
fn key() -> impl Strategy<Value = CellKey> {
    let account = prop_oneof![0..4u64, 14..18u64, Just((1u64 << 24) - 1), 0..1u64 << 24];
    let slot = prop_oneof![3 => Just(0u64), 2 => 1..4u64, 1 => 62..66u64, 1 => 0..1u64 << 12];
    (account, slot).prop_map(|(account, slot)| CellKey::new(account << 12 | slot).unwrap())
}

/// A batch of leaves; a third of them are deletions.
fn batch() -> impl Strategy<Value = Vec<(CellKey, Digest)>> {
    prop::collection::btree_map(key(), prop_oneof![Just(0u64), 1..5u64, any::<u32>().prop_map(u64::from)], 0..40)
        .prop_map(|leaves| leaves.into_iter().map(|(key, value)| (key, digest(value))).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn roots_equal_a_naive_recomputation(batches in prop::collection::vec(batch(), 1..5)) {
        let mut tree = MemoryTree::new();
        let mut leaves = BTreeMap::new();
        for batch in batches {
            leaves.extend(batch.iter().copied());
            leaves.retain(|_, digest| *digest != Digest::ZERO);
            prop_assert_eq!(tree.update(&batch), naive_root(&leaves));
        }
    }

    #[test]
    fn paths_lead_to_the_root_while_cells_are_set(before in batch(), after in batch()) {
        let mut tree = MemoryTree::new();
        tree.update(&before);
        let mut partial = tree.partial(after.iter().flat_map(|(key, _)| [*key, key.account().header_key()]));
        for (key, digest) in &after {
            let (account, header) = (key.account(), partial.header_digest(key.account()).unwrap());
            if key.is_header() {
                let path = partial.header_path(account).unwrap();
                prop_assert_eq!(path.root(account, header), partial.root());
                partial.set_header(account, *digest).unwrap();
                prop_assert_eq!(path.root(account, *digest), partial.root());
            } else {
                let path = partial.slot_path(*key).unwrap();
                prop_assert_eq!(path.root(*key, header, partial.slot_digest(*key).unwrap()), partial.root());
                partial.set_slot(*key, *digest).unwrap();
                prop_assert_eq!(path.root(*key, header, *digest), partial.root());
            }
            prop_assert_eq!(partial.digest(*key).unwrap(), *digest);
        }
        prop_assert_eq!(partial.root(), tree.update(&after));
    }
}

#[test]
fn any_number_of_threads_gives_the_same_tree() {
    let leaves: BTreeMap<_, _> = (0..5_000u64)
        .map(|i| (CellKey::new(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 28 & !0xffe).unwrap(), digest(i + 1)))
        .collect();
    let leaves: Vec<_> = leaves.into_iter().collect();
    let roots = [1, 2, 8].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| MemoryTree::new().update(&leaves))
    });
    assert!(roots.iter().all(|root| *root == roots[0]));
    let one_by_one = leaves.iter().fold(MemoryTree::new(), |mut tree, leaf| {
        tree.update(&[*leaf]);
        tree
    });
    assert_eq!(one_by_one.root(), roots[0]);
}

#[test]
fn a_key_that_was_not_loaded_is_refused() {
    let account = AccountIndex::new(1).unwrap();
    let far = AccountIndex::new(1 << 20).unwrap();
    let mut partial = MemoryTree::new().partial([account.header_key()]);
    let before = partial.root();
    assert_eq!(partial.set_header(far, digest(1)), Err(NotLoaded { key: far.header_key() }));
    let slot = CellKey::new(account.header_key().get() + 1).unwrap();
    assert_eq!(partial.slot_path(slot), Err(NotLoaded { key: slot }));
    assert_eq!(partial.root(), before);
}
