//! Parameters of a statement: by position or by name (with the prefix: `:a`, `@a`, `$a`, `?3`).

use crate::error::{Error, Result};
use crate::value::Value;

/// Parameters ready to be bound.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Params {
    /// None.
    #[default]
    None,
    /// By position, from 1.
    Positional(Vec<Value>),
    /// By name, prefix included.
    Named(Vec<(String, Value)>),
}

mod sealed {
    pub trait Sealed {}
}

/// What can be given as the parameters of a statement.
pub trait IntoParams: sealed::Sealed {
    /// Convert.
    fn into_params(self) -> Result<Params>;
}

/// Values that can be bound: everything that converts into a [`Value`].
pub trait IntoValue {
    /// Convert.
    fn into_value(self) -> Result<Value>;
}

impl<T> IntoValue for T
where
    T: TryInto<Value>,
    T::Error: std::fmt::Display,
{
    fn into_value(self) -> Result<Value> {
        self.try_into().map_err(|e| Error::ToSqlConversionFailure(e.to_string().into()))
    }
}

fn positional<T: IntoValue>(values: impl IntoIterator<Item = T>) -> Result<Params> {
    values.into_iter().map(IntoValue::into_value).collect::<Result<_>>().map(Params::Positional)
}

impl sealed::Sealed for () {}
impl IntoParams for () {
    fn into_params(self) -> Result<Params> {
        Ok(Params::None)
    }
}

impl sealed::Sealed for Params {}
impl IntoParams for Params {
    fn into_params(self) -> Result<Params> {
        Ok(self)
    }
}

impl<T: IntoValue> sealed::Sealed for Vec<T> {}
impl<T: IntoValue> IntoParams for Vec<T> {
    fn into_params(self) -> Result<Params> {
        positional(self)
    }
}

/// An element of an array of parameters: a value, or a name and a value.
pub trait ArrayParam: Sized {
    /// Convert a whole list.
    fn collect(items: Vec<Self>) -> Result<Params>;
}

impl<T: IntoValue> ArrayParam for T {
    fn collect(items: Vec<Self>) -> Result<Params> {
        positional(items)
    }
}

macro_rules! named_pairs {
    ($($name:ty),*) => {$(
        impl<T: IntoValue> sealed::Sealed for Vec<($name, T)> {}
        impl<T: IntoValue> IntoParams for Vec<($name, T)> {
            fn into_params(self) -> Result<Params> {
                self.into_iter().map(|(k, v)| Ok((k.to_string(), v.into_value()?))).collect::<Result<_>>().map(Params::Named)
            }
        }
        impl<T: IntoValue, const N: usize> sealed::Sealed for [($name, T); N] {}
        impl<T: IntoValue, const N: usize> IntoParams for [($name, T); N] {
            fn into_params(self) -> Result<Params> {
                Vec::from(self).into_params()
            }
        }
    )*};
}
named_pairs!(&'static str, String);

macro_rules! plain_arrays {
    ($($ty:ty),*) => {$(
        impl<const N: usize> sealed::Sealed for [$ty; N] {}
        impl<const N: usize> IntoParams for [$ty; N] {
            fn into_params(self) -> Result<Params> {
                positional(self)
            }
        }
        impl<const N: usize> sealed::Sealed for &[$ty; N] {}
        impl<const N: usize> IntoParams for &[$ty; N] {
            fn into_params(self) -> Result<Params> {
                positional(self.iter().cloned())
            }
        }
    )*};
}
plain_arrays!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, bool, &str, String, Vec<u8>, Value);

/// Positional parameters from an iterator.
pub fn params_from_iter<I>(values: I) -> Params
where
    I: IntoIterator,
    I::Item: Into<Value>,
{
    Params::Positional(values.into_iter().map(Into::into).collect())
}

macro_rules! tuples {
    ($($($t:ident)+;)*) => {$(
        impl<$($t: IntoValue),+> sealed::Sealed for ($($t,)+) {}
        impl<$($t: IntoValue),+> IntoParams for ($($t,)+) {
            #[allow(non_snake_case)]
            fn into_params(self) -> Result<Params> {
                let ($($t,)+) = self;
                Ok(Params::Positional(vec![$($t.into_value()?),+]))
            }
        }
    )*};
}
tuples! {
    A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H;
    A B C D E F G H I; A B C D E F G H I J; A B C D E F G H I J K; A B C D E F G H I J K L;
    A B C D E F G H I J K L M; A B C D E F G H I J K L M N; A B C D E F G H I J K L M N O;
    A B C D E F G H I J K L M N O P;
}

/// Positional parameters of mixed types: `params![1, "a", None::<i64>]`.
#[macro_export]
macro_rules! params {
    () => { () };
    ($($value:expr),+ $(,)?) => {
        $crate::params::positional_params([$($crate::params::IntoValue::into_value($value)),+])
    };
}

/// Named parameters of mixed types: `named_params!{":a": 1, ":b": "x"}`.
#[macro_export]
macro_rules! named_params {
    () => { () };
    ($($name:literal : $value:expr),+ $(,)?) => {
        $crate::params::named_params_of([$(($name, $crate::params::IntoValue::into_value($value))),+])
    };
}

/// What `params!` makes: conversion errors come out when the parameters are used.
#[derive(Debug)]
pub struct CheckedParams(Result<Params>);

impl sealed::Sealed for CheckedParams {}
impl IntoParams for CheckedParams {
    fn into_params(self) -> Result<Params> {
        self.0
    }
}

#[doc(hidden)]
pub fn positional_params<const N: usize>(values: [Result<Value>; N]) -> CheckedParams {
    CheckedParams(values.into_iter().collect::<Result<_>>().map(Params::Positional))
}

#[doc(hidden)]
pub fn named_params_of<const N: usize>(values: [(&'static str, Result<Value>); N]) -> CheckedParams {
    CheckedParams(values.into_iter().map(|(k, v)| Ok((k.to_owned(), v?))).collect::<Result<_>>().map(Params::Named))
}
