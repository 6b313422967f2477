//! A prover who does not follow the rules.
//!
//! It computes what the circuit computes (cells, times, records, roots) by the circuit's formulas, in the field,
//! from whatever a test puts into the slots, and checks nothing: no width, no flag, no kind. So all is consistent
//! except what the test is about, and only the check of that can catch it.

mod formulas;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use plonky2::field::types::{Field, PrimeField64};

pub use self::formulas::Streams;
use self::formulas::{fee, new_key, user, words};
use super::world::*;
use crate::account::*;
use crate::amount::WORD_MASK;
use crate::availability::EVALUATION_START;
use crate::chunk::trace::*;
use crate::chunk::Shape;
use crate::context::{Domain, TAG_DOMAIN};
use crate::hash::{hash_node, hash_tagged, Digest, F};
use crate::public_inputs::PublicInputs;
use crate::signature::SecretKey;
use crate::transaction::*;

/// Signs what needs no signature.
const FILLER: u32 = 999_999;

/// An access of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    Sender,
    Recipient,
    SenderSlot,
    RecipientSlot,
}

/// Who signs a slot's message.
#[derive(Clone)]
pub enum Signer {
    /// This key, whatever the message turns out to be.
    Key(SecretKey),
    /// Nobody anew: the signature in the slot stays.
    Before,
}

/// A cell from the start of the chunk to its end.
#[derive(Clone, Copy, Debug)]
pub struct CellStory {
    pub initial: Cell,
    pub last: Cell,
    pub time: F,
}

/// The cells that the chunk opens, by key.
pub type Stories = BTreeMap<u64, CellStory>;

/// What the prover picks, before anything is computed from it.
#[derive(Clone)]
pub struct Cheat {
    pub shape: Shape,
    pub world: World,
    /// The preimage that the circuit gets. The public input is always the true context's digest.
    pub context: Vec<F>,
    /// The slots. Accesses are overwritten, and so are signatures unless the signer says otherwise.
    pub slots: Vec<SlotTrace>,
    pub signers: Vec<Signer>,
    /// In which order the slots find the memory.
    pub order: Vec<usize>,
    /// Slots that claim to find another cell than is there.
    pub claims: HashMap<(usize, Place), Cell>,
    /// Slots whose asset counts as another than 0, or as 0, in spite of what it is.
    pub is_other: HashMap<usize, bool>,
    /// Cells that are opened without being accessed.
    pub opened: BTreeSet<u64>,
}

pub fn f(value: u64) -> F {
    F::from_canonical_u64(value)
}

/// −`value`
pub fn minus(value: u64) -> F {
    -f(value)
}

/// The key of a header or a slot.
pub fn key(index: u32, slot: u64) -> u64 {
    (u64::from(index) << SLOT_BITS) + slot
}

pub fn pick(transaction: &Transaction) -> SlotTrace {
    let access = Access { cell: Cell::ABSENT, time: F::ZERO };
    let is = |kind| F::from_bool(transaction.kind() == kind);
    let mut slot = SlotTrace {
        flags: Flags {
            transfer: is(Kind::Transfer),
            withdraw: is(Kind::Withdraw),
            deposit: is(Kind::Deposit),
            rekey: is(Kind::Rekey),
            forced_exit: is(Kind::ForcedExit),
            opens: F::ZERO,
        },
        account: F::from_canonical_u32(transaction.account().map_or(0, |account| account.get())),
        to: F::ZERO,
        asset: F::ZERO,
        amount: F::ZERO,
        amount_upper: F::ZERO,
        fee_mantissa: transaction.fee().parts().0,
        fee_exponent: transaction.fee().parts().1,
        key_words: [0; KEY_WORDS],
        sender: access,
        recipient: access,
        sender_slot: access,
        recipient_slot: access,
        authorization: sign(FILLER, Digest::ZERO),
    };
    let words = |key_hash| {
        let asset = AssetId::GAS;
        let account = account(0);
        let key_hash = Some(key_hash);
        Record { kind: Kind::Rekey, asset, account, counterparty: 0, low: 0, amount: 0, key_hash }.key_words()
    };
    match transaction {
        Transaction::Noop | Transaction::Call(_) => {}
        Transaction::Deposit(t) => {
            slot.asset = F::from_canonical_u16(t.asset.get());
            slot.amount = f(t.amount.get() & WORD_MASK);
            slot.amount_upper = f(t.amount.get() >> WORD_BITS);
            slot.flags.opens = F::from_bool(t.opens.is_some());
            slot.key_words = t.opens.map_or([0; KEY_WORDS], words);
        }
        Transaction::Rekey(t) => slot.key_words = words(t.key_hash),
        Transaction::ForcedExit(t) => slot.asset = F::from_canonical_u16(t.asset.get()),
        Transaction::Transfer(t, authorization) => {
            slot.asset = F::from_canonical_u16(t.asset.get());
            slot.to = F::from_canonical_u32(t.to.get());
            slot.amount = f(t.amount.get());
            slot.authorization = *authorization;
        }
        Transaction::Withdraw(t, authorization) => {
            slot.asset = F::from_canonical_u16(t.asset.get());
            slot.amount = f(t.amount.get());
            slot.authorization = *authorization;
        }
    }
    slot
}

impl Cheat {
    /// A prover who does what `transactions` say, whether they apply or not.
    pub fn new(shape: &Shape, world: &World, transactions: &[Transaction]) -> Self {
        let mut transactions = transactions.to_vec();
        transactions.resize(shape.slot_count(), Transaction::Noop);
        let signer = |t: &Transaction| t.authorization().and(t.account()).map_or(FILLER, |account| account.get());
        let mut cheat = Self {
            shape: shape.clone(),
            world: world.clone(),
            context: context().elements().to_vec(),
            slots: transactions.iter().map(pick).collect(),
            signers: transactions.iter().map(|t| Signer::Key(secret_key(signer(t)))).collect(),
            order: (0..transactions.len()).collect(),
            claims: HashMap::new(),
            is_other: HashMap::new(),
            opened: BTreeSet::new(),
        };
        // A forced exit takes what is there when its turn comes.
        let mut cells = Cells { world, stories: Stories::new() };
        for (i, transaction) in transactions.iter().enumerate() {
            if let Transaction::ForcedExit(t) = transaction {
                let story = cells.story(t.account.balance_key(t.asset).get());
                let element = if t.asset.is_gas() { Header::BALANCE } else { 0 };
                cheat.slots[i].amount = f(story.last.0[element].to_canonical_u64().min(WORD_MASK));
            }
            let mut slot = cheat.slots[i].clone();
            cheat.execute(&mut cells, &mut slot, i);
        }
        cheat
    }

    /// The same with the transactions' own signatures.
    pub fn signed_before(mut self, transactions: &[Transaction]) -> Self {
        for (signer, transaction) in self.signers.iter_mut().zip(transactions) {
            if transaction.authorization().is_some() {
                *signer = Signer::Before;
            }
        }
        self
    }

    /// Has this account sign everything.
    pub fn signed_by(mut self, index: u32) -> Self {
        self.signers.fill(Signer::Key(secret_key(index)));
        self
    }

    pub fn run(&self) -> ChunkTrace {
        self.run_with(|_| {}).0
    }

    /// [`Self::run`], with the cells' stories changed before the tree is; returns also the tree after.
    pub fn run_with(&self, edit: impl FnOnce(&mut Stories)) -> (ChunkTrace, World) {
        let mut cells = Cells { world: &self.world, stories: Stories::new() };
        let mut slots = self.slots.clone();
        let mut fees = F::ZERO;
        for &i in &self.order {
            fees += self.execute(&mut cells, &mut slots[i], i);
        }
        let mut streams = Streams::start();
        for (class, slot) in self.shape.slots().zip(&slots) {
            streams.publish(slot, class);
        }

        let operator_key = self.context[crate::context::Context::OPERATOR] * f(1 << SLOT_BITS);
        let now = slots.len() as u64 + 1;
        let operator = cells.access(F::ONE, operator_key, now, None);
        let mut credited = user(&operator.cell);
        credited.0[Header::BALANCE] += fees;
        cells.write(F::ONE, operator_key, credited);

        for &key in &self.opened {
            cells.story(key);
        }
        // Some row of each kind is needed to fill unused ones with.
        cells.story(key(OPERATOR, 0));
        cells.story(key(OPERATOR, 1));
        edit(&mut cells.stories);
        let (header_rows, slot_rows, after) = self.open(&cells.stories);
        let mut trace = ChunkTrace {
            public_inputs: PublicInputs {
                pre_root: self.world.root(),
                post_root: after.root(),
                da_commit_in: Digest::ZERO,
                da_commit_out: streams.commit,
                z: z(),
                l1_in: EVALUATION_START,
                l1_out: streams.l1,
                l2_in: EVALUATION_START,
                l2_out: streams.l2,
                context: context().digest(),
                allowed_set: allowed_set(),
            },
            context: self.context.clone(),
            slots,
            calls: Vec::new(),
            operator,
            header_rows,
            slot_rows,
            sorted_keys: Vec::new(),
        };
        sort_keys(&mut trace);
        (trace, after)
    }

    /// What the circuit of slot `i` reads and writes. Returns the fee.
    fn execute(&self, cells: &mut Cells<'_>, slot: &mut SlotTrace, i: usize) -> F {
        let Flags { transfer: t, withdraw: w, deposit: d, rekey: r, forced_exit: x, opens: o } = slot.flags;
        let (signed, from_l1, keyed) = (t + w, d + r + x, r + o);
        let active = signed + from_l1;
        let other = F::from_bool(self.is_other.get(&i).copied().unwrap_or(slot.asset.is_nonzero()));
        let fee = fee(slot);
        let full = slot.amount + slot.amount_upper * f(1 << WORD_BITS);
        let gained = d * full - (signed + x) * slot.amount;
        let (gained_other, paid_other) = (other * gained, other * slot.amount);
        let now = i as u64 + 1;
        let claim = |place| self.claims.get(&(i, place)).copied();

        let sender_key = slot.account * f(1 << SLOT_BITS);
        let nothing = o.is_nonzero().then_some(Cell::ABSENT);
        slot.sender = cells.access(active, sender_key, now, claim(Place::Sender).or(nothing));
        let mut new = user(&slot.sender.cell);
        for (j, element) in new_key(slot).into_iter().enumerate() {
            let old = &mut new.0[Header::KEY_HASH + j];
            *old += keyed * (element - *old);
        }
        new.0[Header::NONCE] += signed;
        new.0[Header::BALANCE] += gained - gained_other - fee;
        cells.write(active, sender_key, new);

        let recipient_key = slot.to * f(1 << SLOT_BITS);
        slot.recipient = cells.access(t, recipient_key, now, claim(Place::Recipient));
        let mut new = user(&slot.recipient.cell);
        new.0[Header::BALANCE] += slot.amount - paid_other;
        cells.write(t, recipient_key, new);

        let mut balance = |flag, key, gained, claim| {
            let access = cells.access(flag * other, key, now, claim);
            let mut new = Cell::ABSENT;
            new.0[0] = access.cell.0[0] + gained;
            cells.write(flag * other, key, new);
            access
        };
        slot.sender_slot = balance(active, sender_key + slot.asset, gained_other, claim(Place::SenderSlot));
        slot.recipient_slot = balance(t, recipient_key + slot.asset, paid_other, claim(Place::RecipientSlot));

        if let Signer::Key(key) = &self.signers[i] {
            let [w0, w1, w2] = words(slot);
            let domain = hash_tagged(TAG_DOMAIN, &self.context[..Domain::LEN]);
            let message = hash_node(domain, Digest([w0, w1, w2, slot.sender.cell.0[Header::NONCE]]));
            slot.authorization = Authorization { public_key: *key.public(), signature: key.sign(message) };
        }
        fee
    }

    /// The rows that open the cells, and the tree after them.
    fn open(&self, stories: &Stories) -> (Vec<HeaderRow>, Vec<SlotRow>, World) {
        let mut tree = self.world.clone();
        let digests = |story: &CellStory| CellTrace {
            initial: story.initial.digest(),
            last: story.last.digest(),
            time: story.time,
        };
        // A key of 2^36 or more is nowhere in the tree.
        let keys: Vec<CellKey> = stories.keys().filter_map(|&key| CellKey::new(key)).collect();
        let with_slots: BTreeSet<AccountIndex> =
            keys.iter().filter(|key| !key.is_header()).map(|key| key.account()).collect();
        let mut header_rows = Vec::new();
        let mut opened = BTreeSet::new();
        for key in keys.iter().filter(|key| key.is_header()) {
            let account = key.account();
            if account.get() == OPERATOR || !with_slots.contains(&account) {
                let story = &stories[&key.get()];
                let path = tree.header_path(account);
                header_rows.push(HeaderRow { enabled: F::ONE, account: account.get(), cell: digests(story), path });
                tree.set(*key, story.last);
                opened.insert(account);
            }
        }
        let mut slot_rows = Vec::new();
        for key in keys.iter().filter(|key| !key.is_header()) {
            let header_key = key.account().header_key();
            let unchanged = CellStory { initial: tree.cell(header_key), last: tree.cell(header_key), time: F::ZERO };
            let story = stories.get(&header_key.get()).filter(|_| opened.insert(key.account()));
            slot_rows.push(SlotRow {
                slot_enabled: F::ONE,
                header_enabled: F::from_bool(story.is_some()),
                key: key.get(),
                slot: digests(&stories[&key.get()]),
                header: digests(story.unwrap_or(&unchanged)),
                path: tree.slot_path(*key),
            });
            tree.set(*key, stories[&key.get()].last);
            tree.set(header_key, story.unwrap_or(&unchanged).last);
        }
        pad(&mut header_rows, self.shape.header_cells, "headers", HeaderRow::unused).unwrap();
        pad(&mut slot_rows, self.shape.slot_cells, "slots", SlotRow::unused).unwrap();
        (header_rows, slot_rows, tree)
    }
}

/// The sorted list that fits the rows.
pub fn sort_keys(trace: &mut ChunkTrace) {
    trace.sorted_keys = sorted_keys(&trace.header_rows, &trace.slot_rows);
}

/// The cells of a chunk, as slots find them.
struct Cells<'a> {
    world: &'a World,
    stories: Stories,
}

impl Cells<'_> {
    fn story(&mut self, key: u64) -> &mut CellStory {
        let initial = CellKey::new(key).map_or(Cell::ABSENT, |key| self.world.cell(key));
        self.stories.entry(key).or_insert(CellStory { initial, last: initial, time: F::ZERO })
    }

    fn access(&mut self, enabled: F, key: F, now: u64, claim: Option<Cell>) -> Access {
        if enabled.is_zero() {
            return Access { cell: claim.unwrap_or_default(), time: F::ZERO };
        }
        let story = self.story(key.to_canonical_u64());
        let time = std::mem::replace(&mut story.time, f(now));
        Access { cell: claim.unwrap_or(story.last), time }
    }

    fn write(&mut self, enabled: F, key: F, cell: Cell) {
        if enabled.is_nonzero() {
            self.story(key.to_canonical_u64()).last = cell;
        }
    }
}
