//! What is known about a function before it runs.

use crate::vector::Distance;
use crate::{Aggregate, Context, WindowFunction};
use std::borrow::Cow;
use std::ops::{BitOr, Deref};
use std::sync::Arc;
use turso_error::Result;
use turso_value::Value;

/// A built-in scalar function. It must assign `ctx.result` unless it fails.
pub type ScalarFn = fn(ctx: &mut Context<'_>, args: &[Value]) -> Result<()>;

/// A scalar function of the application.
pub trait ScalarFunction: Send + Sync {
    /// As [`ScalarFn`].
    fn call(&self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()>;
}

impl<F> ScalarFunction for F
where
    F: Fn(&mut Context<'_>, &[Value]) -> Result<()> + Send + Sync,
{
    fn call(&self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        self(ctx, args)
    }
}

/// An aggregate of the application.
pub trait AggregateFactory: Send + Sync {
    /// State for one group.
    fn create(&self) -> Box<dyn Aggregate>;
}

impl<F> AggregateFactory for F
where
    F: Fn() -> Box<dyn Aggregate> + Send + Sync,
{
    fn create(&self) -> Box<dyn Aggregate> {
        self()
    }
}

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arity {
    /// At least this many.
    pub min: u16,
    /// At most this many; `u16::MAX` for no limit of its own.
    pub max: u16,
}

impl Arity {
    /// Any number.
    pub const ANY: Self = Self { min: 0, max: u16::MAX };

    /// Exactly `n`.
    pub const fn exactly(n: u16) -> Self {
        Self { min: n, max: n }
    }

    /// `min` or more.
    pub const fn at_least(min: u16) -> Self {
        Self { min, max: u16::MAX }
    }

    /// From `min` to `max`.
    pub const fn between(min: u16, max: u16) -> Self {
        Self { min, max }
    }

    /// True when `n` arguments are fine.
    #[inline]
    pub const fn accepts(self, n: usize) -> bool {
        self.min as usize <= n && n <= self.max as usize
    }
}

/// Properties that planner and interpreter go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FunctionFlags(pub u32);

impl FunctionFlags {
    /// No property.
    pub const NONE: Self = Self(0);
    /// Same arguments, same result: may be folded, indexed, and moved out of loops.
    pub const DETERMINISTIC: Self = Self(1);
    /// Harmless from a schema that is not trusted.
    pub const INNOCUOUS: Self = Self(2);
    /// Only from top-level SQL, never from triggers and views.
    pub const DIRECT_ONLY: Self = Self(4);
    /// Wants the collation of its arguments.
    pub const NEEDS_COLLATION: Self = Self(8);
    /// Reads subtypes of its arguments.
    pub const SUBTYPE: Self = Self(16);
    /// Sets a subtype on its result.
    pub const RESULT_SUBTYPE: Self = Self(32);
    /// Constant within one statement but not for ever (the clock): not allowed in indexes and generated columns when
    /// it uses the current time.
    pub const SLOW_CHANGE: Self = Self(64);
    /// `like()` or `glob()`: the planner may turn a constant prefix into a range.
    pub const LIKE: Self = Self(128);
    /// `count()`.
    pub const COUNT: Self = Self(256);
    /// `min()` and `max()` with one argument: bare columns follow the row of the extreme value.
    pub const MIN_MAX: Self = Self(512);
    /// The planner codes it without calling it (`coalesce`, `iif`, `likely` ...), arguments evaluated only when needed.
    pub const INLINE: Self = Self(1024);
    /// Of the application.
    pub const USER: Self = Self(2048);
    /// An aggregate that can run over a moving frame (has `inverse`).
    pub const WINDOW: Self = Self(4096);
    /// The order of the rows matters not to the result: ORDER BY inside the call may be dropped.
    pub const ANY_ORDER: Self = Self(8192);
    /// Takes a blob for the text that its bytes are in the database's encoding.
    pub const BLOB_IS_TEXT: Self = Self(16384);
    /// Deterministic and harmless, as most are.
    pub const PURE: Self = Self(1 | 2);

    /// True when all of `flags` are set.
    #[inline]
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Same arguments, same result throughout a statement.
    #[inline]
    pub const fn is_steady(self) -> bool {
        self.has(Self::DETERMINISTIC) || self.has(Self::SLOW_CHANGE)
    }

    /// Both, in constants.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOr for FunctionFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How an aggregate makes the state of one group.
#[derive(Clone)]
pub enum AggregateDef {
    /// A built-in.
    BuiltIn(fn() -> Box<dyn Aggregate>),
    /// Of the application.
    User(Arc<dyn AggregateFactory>),
}

impl AggregateDef {
    /// State for one group.
    pub fn create(&self) -> Box<dyn Aggregate> {
        match self {
            AggregateDef::BuiltIn(create) => create(),
            AggregateDef::User(factory) => factory.create(),
        }
    }
}

/// Functions that are the connection's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostFunction {
    /// `rtreecheck`
    RTreeCheck,
}

/// What kind of function, and its code.
#[derive(Clone)]
pub enum FunctionKind {
    /// A built-in scalar.
    Scalar(ScalarFn),
    /// A distance between two vectors: a built-in scalar that takes a stored vector where it lies, and keeps what it has
    /// decoded of the other one.
    Distance(Distance),
    /// A scalar that the connection has: it runs SQL.
    Host(HostFunction),
    /// A scalar of the application.
    UserScalar(Arc<dyn ScalarFunction>),
    /// An aggregate; also usable with OVER.
    Aggregate(AggregateDef),
    /// A window function proper: only with OVER.
    Window(WindowFunction),
}

/// A function as the planner finds it.
#[derive(Clone)]
pub struct FunctionDef {
    /// The name in lower case.
    pub name: Cow<'static, str>,
    /// How many arguments.
    pub arity: Arity,
    /// Its properties.
    pub flags: FunctionFlags,
    /// Its code.
    pub kind: FunctionKind,
}

impl FunctionDef {
    /// A row of a table of built-in scalars.
    pub const fn scalar(name: &'static str, arity: Arity, flags: FunctionFlags, call: ScalarFn) -> Self {
        Self { name: Cow::Borrowed(name), arity, flags, kind: FunctionKind::Scalar(call) }
    }

    /// A row of a table of scalars that the connection has.
    pub const fn host(name: &'static str, arity: Arity, flags: FunctionFlags, function: HostFunction) -> Self {
        Self { name: Cow::Borrowed(name), arity, flags, kind: FunctionKind::Host(function) }
    }

    /// A row of a table of built-in aggregates.
    pub const fn aggregate(
        name: &'static str,
        arity: Arity,
        flags: FunctionFlags,
        create: fn() -> Box<dyn Aggregate>,
    ) -> Self {
        Self { name: Cow::Borrowed(name), arity, flags, kind: FunctionKind::Aggregate(AggregateDef::BuiltIn(create)) }
    }

    /// A row of the table of window functions.
    pub const fn window(name: &'static str, arity: Arity, function: WindowFunction) -> Self {
        Self { name: Cow::Borrowed(name), arity, flags: FunctionFlags::INNOCUOUS, kind: FunctionKind::Window(function) }
    }

    /// A scalar function of the application.
    pub fn user_scalar(name: &str, arity: Arity, flags: FunctionFlags, call: Arc<dyn ScalarFunction>) -> Self {
        let kind = FunctionKind::UserScalar(call);
        Self { name: Cow::Owned(name.to_ascii_lowercase()), arity, flags: flags | FunctionFlags::USER, kind }
    }

    /// An aggregate of the application; with [`FunctionFlags::WINDOW`] one that can take rows out again.
    pub fn user_aggregate(name: &str, arity: Arity, flags: FunctionFlags, factory: Arc<dyn AggregateFactory>) -> Self {
        let kind = FunctionKind::Aggregate(AggregateDef::User(factory));
        Self { name: Cow::Owned(name.to_ascii_lowercase()), arity, flags: flags | FunctionFlags::USER, kind }
    }

    /// True for aggregates.
    pub fn is_aggregate(&self) -> bool {
        matches!(self.kind, FunctionKind::Aggregate(_))
    }

    /// True for window functions proper.
    pub fn is_window(&self) -> bool {
        matches!(self.kind, FunctionKind::Window(_))
    }

    /// True for functions with one result per row.
    pub fn is_scalar(&self) -> bool {
        !self.is_aggregate() && !self.is_window()
    }

    /// Calls a scalar; an error for the other kinds.
    #[inline]
    pub fn call(&self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        match &self.kind {
            FunctionKind::Scalar(call) => call(ctx, args),
            FunctionKind::Distance(distance) => crate::vector::call_distance(*distance, ctx, args),
            FunctionKind::UserScalar(function) => function.call(ctx, args),
            FunctionKind::Host(_) => {
                Err(turso_error::Error::sql(format!("unable to use function {} in the requested context", self.name)))
            }
            _ => Err(turso_error::Error::sql(format!("misuse of aggregate: {}()", self.name))),
        }
    }
}

impl std::fmt::Debug for FunctionDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            FunctionKind::Scalar(_)
            | FunctionKind::Distance(_)
            | FunctionKind::Host(_)
            | FunctionKind::UserScalar(_) => "scalar",
            FunctionKind::Aggregate(_) => "aggregate",
            FunctionKind::Window(_) => "window",
        };
        write!(f, "{}/{}..{} {kind}", self.name, self.arity.min, self.arity.max)
    }
}

/// A handle on a function that a program can hold.
#[derive(Debug, Clone)]
pub enum Function {
    /// From the built-in tables.
    BuiltIn(&'static FunctionDef),
    /// From a [`crate::Registry`].
    User(Arc<FunctionDef>),
}

impl Deref for Function {
    type Target = FunctionDef;
    #[inline]
    fn deref(&self) -> &FunctionDef {
        match self {
            Function::BuiltIn(def) => def,
            Function::User(def) => def,
        }
    }
}

impl PartialEq for Function {
    /// The same definition, not merely an equal one.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq::<FunctionDef>(&**self, &**other)
    }
}
