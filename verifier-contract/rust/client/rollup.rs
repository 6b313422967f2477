//! A rollup on L1: what can be asked of it, and the calls that it takes.

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::{SolCall, SolEvent};
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_circuits::context::{ContractAddress, Domain};
use sheaf_circuits::hash::Digest;

use super::abi::{Rollup as Abi, Token};
use super::calldata::encode_submission;
use super::deployment::ProgramIds;
use super::node::{Node, NodeError};
use super::sender::{Call, Mined};
use crate::{ExitProof, L1Batch};

/// What a rollup is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not launched.
    Setup,
    /// Batches move the state.
    Live,
    /// The operator missed a deadline; funds leave.
    Frozen,
}

/// Where a rollup stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is in.
    pub phase: Phase,
    /// Whether new deposits are paused.
    pub deposits_paused: bool,
    /// Number of the last batch; 0 before the first.
    pub batch_number: u32,
    /// When the last batch was sealed, in seconds since 1970.
    pub timestamp_s: u64,
    /// Requests that batches have taken.
    pub requests_taken: u64,
    /// Requests that were made.
    pub requests_made: u64,
}

/// An asset on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its contract; none for the chain's coin.
    pub token: Option<Address>,
    /// Base units in a quantum, not zero.
    pub scale: u128,
    /// Quanta in the state or in the queue.
    pub held: u64,
}

/// The rollup at an address of a chain.
#[derive(Clone, Copy)]
pub struct Rollup<'a> {
    node: &'a Node,
    address: Address,
}

impl<'a> Rollup<'a> {
    /// The rollup at `address`, if it is one.
    pub fn at(node: &'a Node, address: Address) -> Self {
        Self { node, address }
    }

    /// The node.
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// Where it is.
    pub fn address(&self) -> Address {
        self.address
    }

    /// What signatures and proofs for it are bound to.
    pub fn domain(&self) -> Domain {
        Domain { chain_id: self.node.chain_id(), contract: ContractAddress(self.address.into()) }
    }

    // What can be asked, of the newest block.

    /// Whether there is a contract at all.
    pub fn exists(&self) -> Result<bool, NodeError> {
        self.exists_at(BlockId::latest())
    }

    pub(super) fn exists_at(&self, block: BlockId) -> Result<bool, NodeError> {
        Ok(!self.node.code(self.address, block)?.is_empty())
    }

    /// Where it stands.
    pub fn progress(&self) -> Result<Progress, NodeError> {
        self.progress_at(BlockId::latest())
    }

    pub(super) fn progress_at(&self, block: BlockId) -> Result<Progress, NodeError> {
        let found = self.node.view(self.address, &Abi::progressCall {}, block)?;
        let phase = match found.phase {
            0 => Phase::Setup,
            1 => Phase::Live,
            // There are three; whatever is none of them takes no batches either.
            _ => Phase::Frozen,
        };
        Ok(Progress {
            phase,
            deposits_paused: found.depositsPaused,
            batch_number: found.batchNumber,
            timestamp_s: found.timestamp,
            requests_taken: found.requestsTaken,
            requests_made: found.requestsMade,
        })
    }

    /// The state root after the last batch, as bytes of a digest.
    pub fn state_root(&self) -> Result<[u8; 32], NodeError> {
        self.view(Abi::stateRootCall {}).map(Into::into)
    }

    /// The programs in force.
    pub fn programs(&self) -> Result<ProgramIds, NodeError> {
        let found = self.view(Abi::programsCall {})?;
        Ok(ProgramIds { batch: found.batch.into(), exit: found.exit.into() })
    }

    /// An asset, if there is one of this number.
    pub fn asset(&self, asset: AssetId) -> Result<Option<Asset>, NodeError> {
        let found = self.view(Abi::assetsCall { asset: asset.get() })?;
        let (token, scale) = (Some(found.token).filter(|token| !token.is_zero()), found.scale.to::<u128>());
        Ok(Some(Asset { token, scale, held: found.held }).filter(|asset| asset.scale != 0))
    }

    /// The number of a token, if it has one.
    pub fn asset_of(&self, token: Address) -> Result<Option<AssetId>, NodeError> {
        let found = self.view(Abi::assetOfCall { token })?;
        Ok(AssetId::new(found).filter(|asset| !asset.is_gas()))
    }

    /// Quanta that an account can claim.
    pub fn owed(&self, account: AccountIndex, asset: AssetId) -> Result<U256, NodeError> {
        self.view(Abi::owedCall { account: account.get(), asset: asset.get() })
    }

    /// The owner of an account, if it has one.
    pub fn owner_of(&self, account: AccountIndex) -> Result<Option<Address>, NodeError> {
        Ok(Some(self.view(Abi::ownerOfCall { account: account.get() })?).filter(|owner| !owner.is_zero()))
    }

    /// The account of an owner, if it has one.
    pub fn account_of(&self, owner: Address) -> Result<Option<AccountIndex>, NodeError> {
        match self.view(Abi::accountOfCall { owner_: owner }) {
            Ok(account) => Ok(AccountIndex::new(account)),
            Err(NodeError::Reverted { refusal }) if refusal.name() == Some("NoAccount") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The account on L2 that fees go to, as a number.
    pub fn operator_index(&self) -> Result<u32, NodeError> {
        self.view(Abi::OPERATOR_INDEXCall {})
    }

    /// Wei that a request costs.
    pub fn request_fee(&self) -> Result<U256, NodeError> {
        self.view(Abi::REQUEST_FEECall {})
    }

    /// When the oldest open request must be taken, in seconds since 1970; none if no request is open.
    pub fn oldest_deadline(&self) -> Result<Option<u64>, NodeError> {
        Ok(Some(self.view(Abi::oldestDeadlineCall {})?).filter(|&deadline| deadline != u64::MAX))
    }

    /// What `owner` has of a token, in base units.
    pub fn token_balance(&self, token: Address, owner: Address) -> Result<U256, NodeError> {
        self.node.view(token, &Token::balanceOfCall { owner }, BlockId::latest())
    }

    fn view<C: SolCall>(&self, call: C) -> Result<C::Return, NodeError> {
        self.node.view(self.address, &call, BlockId::latest())
    }

    // What can be called. Amounts are in base units.

    /// Lists owners of accounts of the genesis state. The owner's, before the launch.
    pub fn list_genesis_accounts(&self, accounts: &[(AccountIndex, Address)]) -> Call {
        let (accounts, owners) = accounts.iter().map(|(account, owner)| (account.get(), *owner)).unzip();
        self.call("list owners of genesis accounts", U256::ZERO, Abi::listGenesisAccountsCall { accounts, owners })
    }

    /// Pays for what the genesis state holds of an asset. Before the launch.
    pub fn fund_genesis(&self, asset: AssetId, amount: U256) -> Call {
        let value = if asset.is_gas() { amount } else { U256::ZERO };
        let label = format!("fund asset {asset} of the genesis");
        self.call(label, value, Abi::fundGenesisCall { asset: asset.get(), amount })
    }

    /// Adds an asset. The owner's. A scale of 2^96 or more becomes 0, which the contract refuses.
    pub fn add_asset(&self, asset: AssetId, token: Address, scale: u128) -> Call {
        let scale = scale.try_into().unwrap_or_default();
        self.call(format!("add asset {asset}"), U256::ZERO, Abi::addAssetCall { asset: asset.get(), token, scale })
    }

    /// Ends the setup. The owner's.
    pub fn launch(&self) -> Call {
        self.call("launch the rollup", U256::ZERO, Abi::launchCall {})
    }

    /// Lets the rollup take `amount` of a token from `owner`, unless it may already.
    pub fn approval(&self, token: Address, owner: Address, amount: U256) -> Result<Option<Call>, NodeError> {
        let asked = Token::allowanceCall { owner, spender: self.address };
        if self.node.view(token, &asked, BlockId::latest())? >= amount {
            return Ok(None);
        }
        let data = Token::approveCall { spender: self.address, amount }.abi_encode().into();
        Ok(Some(Call { label: "approve the deposit".into(), to: Some(token), value: U256::ZERO, data }))
    }

    /// Opens the sender's account with a first deposit. `fee` is [`Self::request_fee`].
    pub fn open(&self, asset: AssetId, amount: U256, key_hash: Digest, fee: U256) -> Call {
        let call = Abi::openCall { asset: asset.get(), amount, keyHash: key_hash.to_bytes().into() };
        self.call("open an account", with_fee(asset, amount, fee), call)
    }

    /// Deposits to an account that `owner` has.
    pub fn deposit(&self, account: AccountIndex, owner: Address, asset: AssetId, amount: U256, fee: U256) -> Call {
        let call = Abi::depositCall { account: account.get(), owner_: owner, asset: asset.get(), amount };
        self.call(format!("deposit to account {account}"), with_fee(asset, amount, fee), call)
    }

    /// Sets another key for the sender's account.
    pub fn rekey(&self, key_hash: Digest, fee: U256) -> Call {
        self.call("set another key", fee, Abi::rekeyCall { keyHash: key_hash.to_bytes().into() })
    }

    /// Asks for the sender's balance of an asset.
    pub fn request_exit(&self, asset: AssetId, fee: U256) -> Call {
        self.call(format!("request an exit of asset {asset}"), fee, Abi::requestExitCall { asset: asset.get() })
    }

    /// Submits a batch. The operator's; see [`super::submit`], which looks first.
    pub fn submit_batch(&self, batch: &L1Batch) -> Call {
        let label = format!("submit batch {}", batch.context.batch_number);
        Call { label, to: Some(self.address), value: U256::ZERO, data: encode_submission(batch) }
    }

    /// Pays what the sender's account is owed to `to`.
    pub fn claim(&self, asset: AssetId, to: Address) -> Call {
        self.call(format!("claim asset {asset}"), U256::ZERO, Abi::claimCall { asset: asset.get(), to })
    }

    /// Freezes the rollup, if a request is overdue.
    pub fn freeze(&self) -> Call {
        self.call("freeze the rollup", U256::ZERO, Abi::freezeCall {})
    }

    /// Takes what the last state lets the sender's account have. After a freeze.
    pub fn exit(&self, exit: &ExitProof) -> Call {
        let call = Abi::exitCall {
            asset: exit.asset.get(),
            quanta: exit.amount.get(),
            programId: exit.program_id.into(),
            proof: exit.proof.to_vec().into(),
        };
        self.call(format!("exit with asset {}", exit.asset), U256::ZERO, call)
    }

    /// Credits a deposit that no batch took. After a freeze.
    pub fn reclaim(&self, request: u64, record: &[u8]) -> Call {
        let call = Abi::reclaimCall { request, record: record.to_vec().into() };
        self.call(format!("reclaim request {request}"), U256::ZERO, call)
    }

    fn call(&self, label: impl Into<String>, value: U256, call: impl SolCall) -> Call {
        Call { label: label.into(), to: Some(self.address), value, data: call.abi_encode().into() }
    }

    // What a transaction did, by its events.

    /// The number and account of the request that a transaction made.
    pub fn requested(&self, mined: &Mined) -> Option<(u64, AccountIndex)> {
        let event: Abi::Requested = self.event(mined)?;
        Some((event.number, AccountIndex::new(event.account)?))
    }

    /// The account and quanta that a transaction paid out.
    pub fn claimed(&self, mined: &Mined) -> Option<(AccountIndex, U256)> {
        let event: Abi::Claimed = self.event(mined)?;
        Some((AccountIndex::new(event.account)?, event.quanta))
    }

    /// The account, asset and quanta that a transaction credited, the first of them.
    pub fn credited(&self, mined: &Mined) -> Option<(AccountIndex, AssetId, u64)> {
        let event: Abi::Credited = self.event(mined)?;
        Some((AccountIndex::new(event.account)?, AssetId::new(event.asset)?, event.quanta))
    }

    /// The last batch and the root that a freeze left.
    pub fn frozen(&self, mined: &Mined) -> Option<(u32, B256)> {
        let event: Abi::FrozenForGood = self.event(mined)?;
        Some((event.lastBatch, event.stateRoot))
    }

    fn event<E: SolEvent>(&self, mined: &Mined) -> Option<E> {
        let ours = mined.logs.iter().filter(|log| log.inner.address == self.address);
        ours.filter_map(|log| E::decode_log(&log.inner).ok()).map(|log| log.data).next()
    }
}

/// Coins that go with a deposit.
fn with_fee(asset: AssetId, amount: U256, fee: U256) -> U256 {
    if asset.is_gas() {
        amount.saturating_add(fee)
    } else {
        fee
    }
}
