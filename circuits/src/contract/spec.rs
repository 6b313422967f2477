//! How a form is declared: its kinds, its fields and where they are published, and what its calls touch.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::Form;
use crate::contracts::CONTRACTS;

/// A contract: a name and its forms.
pub struct Contract {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub about: &'static str,
    /// Its forms.
    pub forms: &'static [&'static dyn Form],
}

/// The declaration of a form.
#[derive(Debug)]
pub struct FormSpec {
    /// Its name, unique among all forms.
    pub name: &'static str,
    /// Its kinds.
    pub kinds: &'static [KindSpec],
    /// The fields of every call of the form, in the order of [`super::Call::values`].
    pub fields: &'static [FieldSpec],
    /// The contract's own cells that a call can touch.
    pub cells: &'static [CellSpec],
    /// What users besides the signer a call can touch: their roles.
    pub users: &'static [&'static str],
    /// The balances that a call can move: whose they are.
    pub moves: &'static [Party],
    /// Who else signs.
    pub second: SecondSigner,
    /// Why a call can be refused.
    pub rules: &'static [Rule],
}

/// One kind of transaction.
#[derive(Debug)]
pub struct KindSpec {
    /// Its code, from 16 on; unique.
    pub code: u8,
    /// Its name in batches, unique.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// The fields that are zero in calls of this kind.
    pub unused: &'static [&'static str],
}

/// One field of a call.
#[derive(Debug)]
pub struct FieldSpec {
    /// Its name in batches.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
    /// What it can hold.
    pub width: Width,
    /// Where it is.
    pub place: Place,
}

/// What a field can hold. Ranges are checked by the decoders and in the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// An account index, 24 bits.
    Account,
    /// An asset, 12 bits.
    Asset,
    /// What one transaction can move, 56 bits.
    Amount,
    /// A number of so many bits: 12, 16, 32 or 56.
    Bits(usize),
    /// A digest: eight values of 32 bits, upper and lower half of each element. Takes eight words of its own.
    Digest,
}

impl Width {
    /// Bits of each of its values.
    pub const fn bits(self) -> usize {
        match self {
            Self::Account => 24,
            Self::Asset => 12,
            Self::Amount => 56,
            Self::Bits(bits) => bits,
            Self::Digest => 32,
        }
    }

    /// How many values it takes.
    pub const fn count(self) -> usize {
        match self {
            Self::Digest => 8,
            _ => 1,
        }
    }
}

/// Where a field is: at a bit of a word of 56 bits.
///
/// Published words 0 to 2 are the record's head. Of word 0, bits 32 to 47 are free, of word 1, bits 24 to 55, and word 2
/// is free. From word 3 on all are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Signed and published.
    Published {
        /// Which word.
        word: usize,
        /// The bit that the field's lowest bit is at.
        shift: u32,
    },
    /// Signed, and of no more interest once the call is applied: limits, deadlines, what follows from the state.
    Signed {
        /// Which of the words that are only signed.
        word: usize,
        /// The bit that the field's lowest bit is at.
        shift: u32,
        /// The value that lets the call apply when it is replayed.
        replayed: u64,
    },
}

/// One of the contract's own cells.
#[derive(Debug)]
pub struct CellSpec {
    /// What it is.
    pub name: &'static str,
    /// Whether a call can find it absent. Costs some rows.
    pub may_be_absent: bool,
}

/// Whose balance is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The account that signs.
    Signer,
    /// One of [`FormSpec::users`].
    User(usize),
}

/// Who signs besides the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondSigner {
    /// Nobody.
    None,
    /// One of [`FormSpec::users`] signs the same message, with the key of its account.
    User(usize),
    /// The contract says what is signed, and by which key: see [`Form::second_message`].
    Contract,
}

/// A rule of a form, and what breaking it means.
#[derive(Debug)]
pub struct Rule {
    /// Its name, for machines.
    pub name: &'static str,
    /// What is wrong with a call that breaks it.
    pub broken: &'static str,
}

/// A form's number: its place among all forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FormId(u8);

/// All forms, by number.
static FORMS: LazyLock<Vec<&'static dyn Form>> =
    LazyLock::new(|| CONTRACTS.iter().flat_map(|contract| contract.forms.iter().copied()).collect());

/// For each code, the form and the kind's place in it.
static KINDS: LazyLock<[Option<(FormId, u8)>; 256]> = LazyLock::new(|| {
    let mut kinds = [None; 256];
    for form in FormId::all() {
        for (index, kind) in form.spec().kinds.iter().enumerate() {
            assert!(kind.code >= CallKind::FIRST_CODE, "kind {} has a code of the protocol's own", kind.name);
            let entry = &mut kinds[usize::from(kind.code)];
            assert!(entry.is_none(), "two kinds have code {}", kind.code);
            *entry = Some((form, index as u8));
        }
    }
    kinds
});

impl FormId {
    /// Every form.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..FORMS.len()).map(|index| Self(index as u8))
    }

    /// How many forms there are.
    pub fn count() -> usize {
        FORMS.len()
    }

    /// Its place among all forms.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The form.
    pub fn form(self) -> &'static dyn Form {
        FORMS[self.index()]
    }

    /// Its declaration.
    pub fn spec(self) -> &'static FormSpec {
        self.form().spec()
    }

    /// The form of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().find(|form| form.spec().name == name)
    }
}

/// A kind of call that is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct CallKind(u8);

impl CallKind {
    /// The first code of contracts.
    pub const FIRST_CODE: u8 = 16;

    /// The kind with this code, if there is one.
    pub fn from_code(code: u8) -> Option<Self> {
        KINDS[usize::from(code)].map(|_| Self(code))
    }

    /// The kind with this name, if there is one.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// Every kind, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        (Self::FIRST_CODE..=u8::MAX).filter_map(Self::from_code)
    }

    /// The code.
    pub const fn code(self) -> u8 {
        self.0
    }

    /// Its form.
    pub fn form_id(self) -> FormId {
        KINDS[usize::from(self.0)].expect("only registered kinds are made").0
    }

    /// Its place among the kinds of its form.
    pub fn index(self) -> usize {
        KINDS[usize::from(self.0)].expect("only registered kinds are made").1.into()
    }

    /// Its form.
    pub fn form(self) -> &'static dyn Form {
        self.form_id().form()
    }

    /// Its declaration.
    pub fn spec(self) -> &'static KindSpec {
        &self.form_id().spec().kinds[self.index()]
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.spec().name
    }
}

impl From<CallKind> for u8 {
    fn from(kind: CallKind) -> u8 {
        kind.0
    }
}

impl TryFrom<u8> for CallKind {
    type Error = String;

    fn try_from(code: u8) -> Result<Self, String> {
        Self::from_code(code).ok_or_else(|| format!("no contract has a kind with code {code}"))
    }
}

impl FormSpec {
    /// Refuses a call by the rule with this number.
    pub fn refuse<T>(&'static self, rule: usize) -> Result<T, Refusal> {
        Err(Refusal::new(self, rule))
    }

    /// How many values a call has.
    pub fn value_count(&self) -> usize {
        self.fields.iter().map(|field| field.width.count()).sum()
    }

    /// Each field with the position of its first value.
    pub fn fields(&self) -> impl Iterator<Item = (usize, &'static FieldSpec)> + use<> {
        self.fields.iter().scan(0, |next, field| {
            let first = *next;
            *next += field.width.count();
            Some((first, field))
        })
    }

    /// Published words after the head.
    pub fn extra_words(&self) -> usize {
        let end = |field: &FieldSpec| match field.place {
            Place::Published { word, .. } => word + field.width.count(),
            Place::Signed { .. } => 0,
        };
        self.fields.iter().map(end).max().unwrap_or(0).saturating_sub(crate::transaction::HEAD_WORDS)
    }

    /// Words that are signed and not published.
    pub fn signed_words(&self) -> usize {
        let end = |field: &FieldSpec| match field.place {
            Place::Signed { word, .. } => word + field.width.count(),
            Place::Published { .. } => 0,
        };
        self.fields.iter().map(end).max().unwrap_or(0)
    }

    /// The values that are zero in calls of a kind.
    pub fn unused_values(&self, kind: &KindSpec) -> Vec<usize> {
        let unused = self.fields().filter(|(_, field)| kind.unused.contains(&field.name));
        unused.flat_map(|(first, field)| first..first + field.width.count()).collect()
    }
}

/// Why a contract refuses a call: the rule that it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// The form.
    form: &'static str,
    /// The rule's name.
    rule: &'static str,
    /// What is wrong.
    broken: &'static str,
}

impl Refusal {
    /// The refusal of `form` by its rule number `rule`.
    pub const fn new(form: &'static FormSpec, rule: usize) -> Self {
        let Rule { name, broken } = form.rules[rule];
        Self { form: form.name, rule: name, broken }
    }

    /// The form.
    pub const fn form(&self) -> &'static str {
        self.form
    }

    /// The rule's name.
    pub const fn rule(&self) -> &'static str {
        self.rule
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.form, self.broken)
    }
}

impl Serialize for Refusal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.form, self.rule).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Refusal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (form, rule) = <(String, String)>::deserialize(deserializer)?;
        let spec = FormId::by_name(&form).map(FormId::spec);
        let found = spec.and_then(|spec| Some((spec, spec.rules.iter().position(|known| known.name == rule)?)));
        let (spec, rule) = found.ok_or_else(|| serde::de::Error::custom(format!("{form} has no rule {rule:?}")))?;
        Ok(Self::new(spec, rule))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::transaction::{HEAD_WORDS, WORD_BITS};

    /// The bits that fields may take of each published word.
    fn free(word: usize) -> (u32, u32) {
        match word {
            0 => (32, 48),
            1 => (24, 56),
            _ => (0, WORD_BITS as u32),
        }
    }

    #[test]
    fn declarations_are_sound() {
        let mut names = BTreeSet::new();
        for form in FormId::all() {
            let spec = form.spec();
            assert!(names.insert(spec.name), "{} is taken", spec.name);
            let mut taken: BTreeSet<(bool, usize, u32)> = BTreeSet::new();
            for field in spec.fields {
                let (published, word, shift) = match field.place {
                    Place::Published { word, shift } => (true, word, shift),
                    Place::Signed { word, shift, replayed } => {
                        assert!(replayed >> field.width.bits() == 0, "{}", field.name);
                        (false, word, shift)
                    }
                };
                if let Width::Bits(bits) = field.width {
                    assert!([12, 16, 32, 56].contains(&bits), "{}: no lane of {bits} bits", field.name);
                }
                let bits = field.width.bits() as u32;
                for word in word..word + field.width.count() {
                    let (low, high) = if published { free(word) } else { (0, WORD_BITS as u32) };
                    assert!(low <= shift && shift + bits <= high, "{} does not fit word {word}", field.name);
                    for bit in shift..shift + bits {
                        assert!(taken.insert((published, word, bit)), "{} overlaps another field", field.name);
                    }
                }
            }
            for word in 0..spec.extra_words() {
                assert!(taken.iter().any(|&(published, at, _)| published && at == HEAD_WORDS + word), "{}", spec.name);
            }
            for kind in spec.kinds {
                assert!(names.insert(kind.name) || kind.name == spec.name, "{} is taken", kind.name);
                let known = |name| spec.fields.iter().any(|field| field.name == name);
                assert!(kind.unused.iter().all(|name| known(*name)), "{}", kind.name);
            }
        }
    }
}
