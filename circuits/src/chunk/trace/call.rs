//! The values of one slot for calls.

use plonky2::field::types::{Field, PrimeField64};

use super::memory::TraceMemory;
use super::slot::filler_signature;
use super::{Access, ChunkError, Executor, NO_ACCESS};
use crate::account::{CellKey, Header};
use crate::contract::{message_of_words, FormId, SecondSigner};
use crate::hash::{Digest, F};
use crate::transaction::{Authorization, Published, Transaction, HEAD_WORDS};

/// The values of one slot for calls.
#[derive(Clone, Debug)]
pub struct CallTrace {
    /// For each kind of the form, 1 where the call is of it, else 0.
    pub kinds: Vec<F>,
    /// The account.
    pub account: F,
    /// The values of the form's fields.
    pub values: Vec<F>,
    /// The fee's mantissa.
    pub fee_mantissa: u64,
    /// The fee's exponent.
    pub fee_exponent: u32,
    /// The account's header.
    pub signer: Access,
    /// The contract's cells.
    pub cells: Vec<Access>,
    /// Other users' headers.
    pub users: Vec<Access>,
    /// The slots of moved balances.
    pub slots: Vec<Access>,
    /// Key and signature; of a key that nobody uses where there is no call.
    pub authorization: Authorization,
    /// The second ones, of forms that have them; of a key that nobody uses where none is due.
    pub second: Option<Authorization>,
}

impl CallTrace {
    /// Executes `transaction`, a call of `form` or `Noop`, in slot number `position`, counted from 0. Returns also what
    /// it publishes.
    pub fn new(
        memory: &mut TraceMemory,
        executor: &mut Executor<'_>,
        domain: Digest,
        form: FormId,
        transaction: &Transaction,
        position: usize,
    ) -> Result<(Self, Option<Published>), ChunkError> {
        let Transaction::Call(signed) = transaction else { return Ok((Self::empty(form, domain), None)) };
        let (call, spec) = (&signed.call, form.spec());
        let rejected = |rejection| ChunkError::Rejected { slot: position, rejection };
        let now = position as u64 + 1;
        let places = call.kind.form().places(call);
        let mut access = |key: Option<CellKey>| key.map_or(Ok(NO_ACCESS), |key| memory.access(key, now));
        let signer = access(Some(call.account.header_key()))?;
        let cells = places.cells.iter().map(|&key| access(key)).collect::<Result<_, _>>()?;
        let users = places.users.iter().map(|user| access(user.map(|it| it.header_key()))).collect::<Result<_, _>>()?;
        let slots = call.slots(&places).into_iter().map(access).collect::<Result<_, _>>()?;
        let outcome = executor(transaction, memory).map_err(rejected)?;

        let (fee_mantissa, fee_exponent) = call.fee.parts();
        let due = transaction.second_claim(domain).map(|(second, _)| *second);
        let second = match spec.second {
            SecondSigner::None => None,
            _ => Some(due.unwrap_or_else(|| filler_signature(call.message_under(domain)))),
        };
        let slot = Self {
            kinds: (0..spec.kinds.len()).map(|kind| F::from_bool(kind == call.kind.index())).collect(),
            account: F::from_canonical_u32(call.account.get()),
            values: call.values.iter().map(|&value| F::from_canonical_u64(value)).collect(),
            fee_mantissa,
            fee_exponent,
            signer,
            cells,
            users,
            slots,
            authorization: signed.authorization,
            second,
        };
        Ok((slot, outcome.record))
    }

    /// A slot with nothing in it.
    fn empty(form: FormId, domain: Digest) -> Self {
        let spec = form.spec();
        let published = vec![0; HEAD_WORDS + spec.extra_words()];
        let nonce = NO_ACCESS.cell.0[Header::NONCE].to_canonical_u64();
        let filler = filler_signature(message_of_words(domain, &published, &vec![0; spec.signed_words()], nonce));
        Self {
            kinds: vec![F::ZERO; spec.kinds.len()],
            account: F::ZERO,
            values: vec![F::ZERO; spec.value_count()],
            fee_mantissa: 0,
            fee_exponent: 0,
            signer: NO_ACCESS,
            cells: vec![NO_ACCESS; spec.cells.len()],
            users: vec![NO_ACCESS; spec.users.len()],
            slots: vec![NO_ACCESS; spec.moves.len()],
            authorization: filler,
            second: (spec.second != SecondSigner::None).then_some(filler),
        }
    }
}
