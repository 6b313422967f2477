//! The *exit* program: what an owner takes out of the last state once the contract on L1 is frozen.
//!
//! Statement: of the state `root`, the user account `account` holds `amount` of `asset`, and that is not nothing.
//!
//! ```text
//!   root ── 24 levels, bits of account ──▶ account node = H(header, slots root)
//!                                                              │         └─ 12 levels, bits of asset ─▶ (amount, 0…)   other assets
//!                                                              └▶ (key hash, nonce, amount, 1, 0)                      asset 0
//! ```
//!
//! What it says has the layout of a batch ([`values`](super::values)); L1 forms the same in `Statement.exit`:
//!
//! | part | of an exit |
//! | --- | --- |
//! | chain id, contract | the rollup's |
//! | batch number | 0, which no batch has |
//! | operator, timestamp | account, asset |
//! | pre root | `root` |
//! | post root, daCommit, both evaluations | 0; the evaluations of a batch begin from 1 |
//! | z | (amount, 0) |
//!
//! It is proven by one circuit over F with the parameters, gates and rows of *squeeze 3*, so that shrink over it has the common
//! data of every shrink and the wrap's setup serves it. Nobody signs: a state is public, so anyone can prove what anyone
//! holds, and L1 takes the proof from the account's owner only, once.
//!
//! # Widths
//!
//! | element | width | because |
//! | --- | --- | --- |
//! | account, asset | 24, 12 bits | the bits that the paths follow are theirs, and there are no more |
//! | amount | 62 bits | checked, though every balance in a state has passed such a check |
//! | chain id, contract | none here | nothing in the circuit reads them: they say whose proof this is |
//!
//! A domain of odd widths brings a prover nothing. The wrap splits the chain id into 56 bits and the contract into 5 · 32, so
//! only an element of its width is ever hashed for L1, where the contract fills in its own chain and address: the statement is
//! that of one domain, or of none. It is so for batches too, whose context is what L1 fills in. Nor does another rollup's
//! domain: the root has none in it, so whoever proves a balance for a rollup proves it of a root that this rollup has to have.
//!
//! # What contracts hold
//!
//! This program is for balances. What is inside pools, splits, channels and locks could leave by the same statement with a
//! *source* in the other half of z, (amount, source): 0 for a balance, else the account of the contract, and a number where one
//! account can have several claims (16 · split + holder's position). L1 would keep `exited[account][asset][source]`. Every such
//! cell hangs in the same tree, and a path takes 40 rows of 4 096, so all kinds fit one circuit:
//!
//! | kind | opens | amount |
//! | --- | --- | --- |
//! | pool | header; the account's slot of the share asset that it names | ⌊reserve · held / shares⌋, for either asset |
//! | split | header; the two cells with the holder and what they claimed | ⌊total · weight / 10 000⌋ − claimed |
//! | channel | header and slot 1 | the party's part in the state that stands on L2 |
//! | lock | header | all; `until` goes where an evaluation is, for L1 to compare |
//!
//! Everything is rounded down, so a contract never gives more than it holds. Shares and their part of a pool must not both
//! leave: assets from 2048 on are not L1's, and `exit` refuses them there. A channel's newer state, signed off chain, would
//! need L1 to take disputes: without them, who fears a freeze closes in time.

mod circuit;
mod program;
#[cfg(test)]
pub(crate) mod tests;

use plonky2::field::types::{Field, PrimeField64};
use sheaf_circuits::account::{AccountIndex, AccountKind, AssetId, Cell, Header, HeaderPath, SlotPath, SLOT_BITS};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::context::{Context, ContextError, Domain};
use sheaf_circuits::hash::{Digest, D, DIGEST_LEN, F};
use sheaf_witness::state::{NotLoaded, StateRead};
use thiserror::Error;

use super::values::{Parts, PublicValues};

#[cfg(test)]
pub(super) use self::circuit::add_framed;
pub use self::program::{ExitError, ExitProgram};

/// What a proof says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Whose balance it is: a user account.
    pub account: AccountIndex,
    /// Of what.
    pub asset: AssetId,
    /// How much it is, not zero.
    pub amount: Quanta,
    /// The state that holds it.
    pub root: Digest,
}

impl Exit {
    /// The 27 elements that say so to the rollup of `domain`. Refuses a chain id that is too wide.
    pub fn values(&self, domain: &Domain) -> Result<PublicValues, ContextError> {
        let (operator, timestamp_s) = (self.account, self.asset.get().into());
        let context = Context { domain: *domain, batch_number: 0, operator, timestamp_s };
        context.check()?;
        let parts = Parts {
            context: context.elements(),
            pre_root: self.root.0,
            post_root: [F::ZERO; DIGEST_LEN],
            da_commit: [F::ZERO; DIGEST_LEN],
            z: [F::from_canonical_u64(self.amount.get()), F::ZERO],
            l1: [F::ZERO; D],
            l2: [F::ZERO; D],
        };
        Ok(PublicValues(parts.in_order()))
    }
}

/// The cells that show what an account holds, and their way to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitOpening {
    account: AccountIndex,
    asset: AssetId,
    header: Cell,
    path: HeaderPath,
    /// The asset's slot, and the siblings on its way to the slots root. Of asset 0, which has none, nothing and zeros.
    slot: Cell,
    slots: [Digest; SLOT_BITS],
}

impl ExitOpening {
    /// Opens what `account` holds of `asset` in `state`. Refuses what cannot be proven: see [`NotAnExit`].
    pub fn new<S: StateRead>(state: &S, account: AccountIndex, asset: AssetId) -> Result<Self, OpenError<S::Error>> {
        let keys = [account.header_key(), account.balance_key(asset)];
        let cells = state.cells(&keys).map_err(OpenError::Read)?;
        let tree = state.partial_tree(&keys).map_err(OpenError::Read)?;
        let (slot, slots) = match asset.is_gas() {
            true => (Cell::ABSENT, [Digest::ZERO; SLOT_BITS]),
            false => (cells[1], tree.slot_path(keys[1])?.slots),
        };
        let opening = Self { account, asset, header: cells[0], path: tree.header_path(account)?, slot, slots };
        let (expected, got) = (state.root(), opening.exit()?.root);
        match got == expected {
            true => Ok(opening),
            false => Err(OpenError::Root { expected, got }),
        }
    }

    /// What it shows, if that is an exit: the native verdict on what the circuit proves.
    pub fn exit(&self) -> Result<Exit, NotAnExit> {
        let Self { account, asset, .. } = *self;
        self.check_header()?;
        let amount = match asset.is_gas() {
            true => Quanta::new(self.header.0[Header::BALANCE].to_canonical_u64()),
            false => self.slot.balance().ok(),
        };
        let amount = amount.ok_or(NotAnExit::NotABalance { account, asset })?;
        if amount == Quanta::ZERO {
            return Err(NotAnExit::Nothing { account, asset });
        }
        let root = self.path.root(account, self.header.digest());
        if !asset.is_gas() {
            self.check_slot(root)?;
        }
        Ok(Exit { account, asset, amount, root })
    }

    /// The header is that of a user.
    fn check_header(&self) -> Result<(), NotAnExit> {
        let account = self.account;
        let (kind, unused) = (self.header.0[Header::KIND], self.header.0[Header::KIND + 1]);
        if self.header.is_absent() {
            return Err(NotAnExit::NoAccount { account });
        }
        if kind != F::from_canonical_u32(AccountKind::USER.0) {
            return Err(NotAnExit::NotAUser { account, kind: kind.to_canonical_u64() });
        }
        match unused == F::ZERO {
            true => Ok(()),
            false => Err(NotAnExit::NotAHeader { account }),
        }
    }

    /// The slot is in the same account of the same state as the header.
    fn check_slot(&self, expected: Digest) -> Result<(), NotAnExit> {
        let Self { account, asset, .. } = *self;
        let path = SlotPath { slots: self.slots, accounts: self.path.accounts };
        let got = path.root(account.balance_key(asset), self.header.digest(), self.slot.digest());
        match got == expected {
            true => Ok(()),
            false => Err(NotAnExit::Slot { account, asset, expected, got }),
        }
    }
}

/// Why an account takes nothing of an asset to L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotAnExit {
    /// Nothing is at the account's index.
    #[error("account {account} is not open")]
    NoAccount {
        /// The account.
        account: AccountIndex,
    },
    /// The account is a contract's.
    #[error("account {account} is of kind {kind}, not a user: what contracts hold does not leave this way")]
    NotAUser {
        /// The account.
        account: AccountIndex,
        /// Its kind.
        kind: u64,
    },
    /// The header has something where headers have zero.
    #[error("account {account}: its cell is not a user's header")]
    NotAHeader {
        /// The account.
        account: AccountIndex,
    },
    /// What is in the place of a balance is none.
    #[error("account {account}: what is stored for asset {asset} is not a balance below 2^62")]
    NotABalance {
        /// The account.
        account: AccountIndex,
        /// The asset.
        asset: AssetId,
    },
    /// There is nothing to take.
    #[error("account {account} holds nothing of asset {asset}")]
    Nothing {
        /// The account.
        account: AccountIndex,
        /// The asset.
        asset: AssetId,
    },
    /// The slot is not under the header's root.
    #[error("account {account}: the slot of asset {asset} is under root {got}, the header under {expected}")]
    Slot {
        /// The account.
        account: AccountIndex,
        /// The asset.
        asset: AssetId,
        /// The root over the header.
        expected: Digest,
        /// The root over the slot.
        got: Digest,
    },
}

/// Why an exit is not opened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError<E: std::error::Error> {
    /// There is nothing to prove.
    #[error(transparent)]
    NotAnExit(#[from] NotAnExit),
    /// The state cannot be read.
    #[error("reading the state: {0}")]
    Read(E),
    /// The state gives less of its tree than was asked for.
    #[error(transparent)]
    NotLoaded(#[from] NotLoaded),
    /// Cells and tree do not fit each other.
    #[error("what is stored leads to root {got}, the state is at {expected}: is it damaged?")]
    Root {
        /// The state's root.
        expected: Digest,
        /// The root that the opening leads to.
        got: Digest,
    },
}
