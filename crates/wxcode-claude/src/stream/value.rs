//! Deserializes JSON values leniently: a value of an unexpected type counts as missing.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// A text, a number or a boolean; anything else is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Scalar {
    #[default]
    Nothing,
    Truth(bool),
    Number(f64),
    Text(String),
}

impl Scalar {
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Text(text) if text == word)
    }

    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Truth(truth) => Some(*truth),
            _ => None,
        }
    }

    /// A number from zero up.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number).filter(|number| *number >= 0.0),
            _ => None,
        }
    }

    /// The number without its fraction.
    pub(super) fn count(&self) -> Option<u64> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is not below zero, and the cast saturates"
        )]
        self.number().map(|number| number as u64)
    }
}

/// An object's fields; for anything else the default.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Object<T>(pub(super) T);

/// A list's values; for anything else none.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct List<T>(pub(super) Vec<T>);

/// Builds a value of one kind; kinds without a method build nothing.
trait Lenient: Sized + Default {
    fn truth(_: bool) -> Self {
        Self::default()
    }
    fn number(_: f64) -> Self {
        Self::default()
    }
    fn text(_: &str) -> Self {
        Self::default()
    }
    fn list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
    fn object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

impl Lenient for Scalar {
    fn truth(truth: bool) -> Self {
        Self::Truth(truth)
    }
    fn number(number: f64) -> Self {
        Self::Number(number)
    }
    fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<T: Default + for<'de> Deserialize<'de>> Lenient for Object<T> {
    fn object<'de, A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(Self)
    }
}

impl<T: Default + for<'de> Deserialize<'de>> Lenient for List<T> {
    fn list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Self(values))
    }
}

struct Any<T>(PhantomData<T>);

impl<'de, T: Lenient> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<T, E> {
        Ok(T::truth(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "counts and prices are small")]
    fn visit_i64<E>(self, value: i64) -> Result<T, E> {
        Ok(T::number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "counts and prices are small")]
    fn visit_u64<E>(self, value: u64) -> Result<T, E> {
        Ok(T::number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<T, E> {
        Ok(T::number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<T, E> {
        Ok(T::text(value))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::object(object)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any(PhantomData))
    }
}

impl<'de, T: Default + for<'any> Deserialize<'any>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any(PhantomData))
    }
}

impl<'de, T: Default + for<'any> Deserialize<'any>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any(PhantomData))
    }
}
