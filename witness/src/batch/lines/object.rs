//! The fields of one JSON object, read without a type and then taken one by one, so that each mistake has a name.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_circuits::amount::{Fee, Quanta};
use sheaf_circuits::hash::{canonical_element, Digest};

use super::super::problem::Problem;

/// The most fields that an object may have. A transfer has nine; a revenue share with sixteen holders has most.
const MAX_FIELDS: usize = 64;

/// A JSON value, as far as a batch needs it.
enum Value<'a> {
    Number(u64),
    Text(Cow<'a, str>),
    Other(&'static str),
}

impl Value<'_> {
    fn describe(&self) -> String {
        match self {
            Value::Number(value) => format!("the number {value}"),
            Value::Text(text) => format!("the text {:?}", text.chars().take(40).collect::<String>()),
            Value::Other(what) => (*what).to_owned(),
        }
    }
}

/// The fields of an object that were not taken yet.
pub(super) struct Fields<'a> {
    fields: Vec<(Cow<'a, str>, Value<'a>)>,
    kind: &'static str,
}

impl<'a> Fields<'a> {
    /// Parses a line that should hold one object.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, Problem> {
        let parsed: Parsed<'a> = serde_json::from_slice(line).map_err(|error| match error.classify() {
            serde_json::error::Category::Eof => Problem::CutOff,
            _ => Problem::NotJson { column: error.column(), reason: reason(&error) },
        })?;
        let fields = match parsed {
            Parsed::Object(fields) => fields,
            Parsed::Other(got) => return Err(Problem::NotAnObject { got }),
        };
        for (position, (name, _)) in fields.iter().enumerate() {
            if fields[..position].iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::RepeatedField { field: name.chars().take(40).collect() });
            }
        }
        Ok(Self { fields, kind: "transaction" })
    }

    /// Whether there is a field of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name)
    }

    /// Sets the kind that messages speak of.
    pub(super) fn set_kind(&mut self, kind: &'static str) {
        self.kind = kind;
    }

    /// All fields were taken.
    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.fields.into_iter().next() {
            None => Ok(()),
            Some((field, _)) => Err(Problem::UnknownField { field: field.chars().take(40).collect(), kind: self.kind }),
        }
    }

    fn take(&mut self, field: &'static str) -> Result<Value<'a>, Problem> {
        let position = self.fields.iter().position(|(name, _)| name == field);
        let position = position.ok_or(Problem::MissingField { field, kind: self.kind })?;
        Ok(self.fields.swap_remove(position).1)
    }

    pub(super) fn number(&mut self, field: &'static str) -> Result<u64, Problem> {
        match self.take(field)? {
            Value::Number(number) => Ok(number),
            other => Err(Problem::WrongType { field, expected: "a whole number below 2^64", got: other.describe() }),
        }
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<Cow<'a, str>, Problem> {
        match self.take(field)? {
            Value::Text(text) => Ok(text),
            other => Err(Problem::WrongType { field, expected: "a text", got: other.describe() }),
        }
    }

    pub(super) fn account(&mut self, field: &'static str) -> Result<AccountIndex, Problem> {
        let value = self.number(field)?;
        let account = u32::try_from(value).ok().and_then(AccountIndex::new);
        account.ok_or_else(|| Problem::account(field, value))
    }

    pub(super) fn asset(&mut self) -> Result<AssetId, Problem> {
        let value = self.number("asset")?;
        u16::try_from(value).ok().and_then(AssetId::new).ok_or_else(|| Problem::asset(value))
    }

    /// What a deposit brings.
    pub(super) fn balance(&mut self) -> Result<Quanta, Problem> {
        let value = self.number("amount")?;
        Quanta::new(value).ok_or_else(|| Problem::balance(value))
    }

    /// What a signed transaction moves.
    pub(super) fn moved(&mut self) -> Result<Quanta, Problem> {
        let value = self.number("amount")?;
        Quanta::new(value).filter(|&amount| amount <= Quanta::MAX_TRANSFER).ok_or_else(|| Problem::moved(value))
    }

    pub(super) fn nonce(&mut self) -> Result<u64, Problem> {
        let value = self.number("nonce")?;
        canonical_element(value).map(|_| value).ok_or(Problem::Nonce { value })
    }

    pub(super) fn fee(&mut self) -> Result<Fee, Problem> {
        Ok(Fee::new(self.number("fee")?)?)
    }

    pub(super) fn digest(&mut self, field: &'static str) -> Result<Digest, Problem> {
        let bytes = self.bytes(field)?;
        Digest::from_bytes(&bytes).map_err(|error| Problem::NotCanonical { field, reason: error.to_string() })
    }

    pub(super) fn bytes<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Problem> {
        let text = self.text(field)?;
        let mut bytes = [0; N];
        hex::decode_to_slice(text.as_bytes(), &mut bytes).map_err(|_| Problem::NotHex {
            field,
            expected_bytes: N,
            got_characters: text.chars().count(),
        })?;
        Ok(bytes)
    }
}

/// What `error` says, without the position that it ends with: a line of a batch is not "line 1".
pub(super) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

enum Parsed<'a> {
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Parsed<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Parsed<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parsed<'de>, A::Error> {
                let mut fields = Vec::with_capacity(10);
                while let Some(Name(name)) = map.next_key()? {
                    if fields.len() == MAX_FIELDS {
                        return Err(serde::de::Error::custom(format_args!("more than {MAX_FIELDS} fields")));
                    }
                    fields.push((name, map.next_value()?));
                }
                Ok(Parsed::Object(fields))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Parsed<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Parsed::Other("a list"))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Parsed<'de>, E> {
                Ok(Parsed::Other("true or false"))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Parsed<'de>, E> {
                Ok(Parsed::Other("a number"))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Parsed<'de>, E> {
                Ok(Parsed::Other("a number"))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Parsed<'de>, E> {
                Ok(Parsed::Other("a number"))
            }

            fn visit_str<E>(self, _: &str) -> Result<Parsed<'de>, E> {
                Ok(Parsed::Other("a text"))
            }

            fn visit_unit<E>(self) -> Result<Parsed<'de>, E> {
                Ok(Parsed::Other("null"))
            }
        }
        deserializer.deserialize_any(ObjectVisitor)
    }
}

/// A field's name, borrowed from the line unless it has escapes in it.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;
        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = Value<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
                Ok(Value::Number(number))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Value<'de>, E> {
                Ok(Value::Other("a negative number"))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Value<'de>, E> {
                Ok(Value::Other("a number with a fraction or an exponent, or one that 64 bits do not hold"))
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
                Ok(Value::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
                Ok(Value::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Value<'de>, E> {
                Ok(Value::Other("true or false"))
            }

            fn visit_unit<E>(self) -> Result<Value<'de>, E> {
                Ok(Value::Other("null"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value::Other("a list"))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value::Other("an object"))
            }
        }
        deserializer.deserialize_any(ValueVisitor)
    }
}
