//! Fees: they add up while transactions run, and are the operator's when all have run.

use sheaf_circuits::account::{AccountIndex, AccountKind, Cell, Header};
use sheaf_circuits::amount::Quanta;
use thiserror::Error;

/// Why the operator cannot be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OperatorError {
    /// Not an open user account.
    #[error("operator account {operator} is not an open user account")]
    NotOpen {
        /// The account.
        operator: AccountIndex,
    },
    /// The fees or the balance with them would reach 2^62.
    #[error("the fees would bring the balance of operator account {operator} to 2^62 or more")]
    BalanceOutOfRange {
        /// The account.
        operator: AccountIndex,
    },
}

/// The sum of `fees` in quanta.
pub fn total(operator: AccountIndex, fees: impl IntoIterator<Item = u64>) -> Result<Quanta, OperatorError> {
    fees.into_iter()
        .try_fold(0u64, u64::checked_add)
        .and_then(Quanta::new)
        .ok_or(OperatorError::BalanceOutOfRange { operator })
}

/// The operator's header cell after it is paid `fees`.
pub fn credit(operator: AccountIndex, cell: &Cell, fees: Quanta) -> Result<Cell, OperatorError> {
    let mut header = match Header::from_cell(cell) {
        Ok(Some(header)) if header.kind == AccountKind::USER => header,
        _ => return Err(OperatorError::NotOpen { operator }),
    };
    header.balance = header.balance.checked_add(fees).ok_or(OperatorError::BalanceOutOfRange { operator })?;
    Ok(header.to_cell())
}
