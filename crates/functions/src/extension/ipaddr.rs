//! Addresses of the Internet protocol, versions 4 and 6, with or without a prefix length. What is no address gives NULL.

use super::bytes_of;
use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use turso_error::Result;
use turso_value::Value;

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("ipfamily", Arity::exactly(1), F::PURE, family),
    FunctionDef::scalar("iphost", Arity::exactly(1), F::PURE, host),
    FunctionDef::scalar("ipmasklen", Arity::exactly(1), F::PURE, mask_length),
    FunctionDef::scalar("ipnetwork", Arity::exactly(1), F::PURE, network),
    FunctionDef::scalar("ipcontains", Arity::exactly(2), F::PURE, contains),
];

/// An address and how many of its first bits name the network.
struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// `192.168.16.12/24`, `::1`.
    fn parse(arg: &Value) -> Option<Self> {
        let mut scratch = Vec::new();
        let text = std::str::from_utf8(bytes_of(arg, &mut scratch)?).ok()?;
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) if prefix.bytes().all(|b| b.is_ascii_digit()) => (address, Some(prefix)),
            Some(_) => return None,
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(most), |p| p.parse().ok()).filter(|p| *p <= most)?;
        Some(Self { address, prefix })
    }

    /// The address as a number whose highest bit is the first of the address.
    fn bits(&self) -> u128 {
        match self.address {
            IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
            IpAddr::V6(v6) => v6.to_bits(),
        }
    }

    /// The bits that name the network.
    fn network_bits(&self, prefix: u32) -> u128 {
        self.bits() & u128::MAX.checked_shl(128 - prefix).unwrap_or(0)
    }
}

fn family(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match Network::parse(&args[0]) {
        Some(network) => ctx.integer(if network.address.is_ipv4() { 4 } else { 6 }),
        None => ctx.null(),
    }
}

fn host(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match Network::parse(&args[0]) {
        Some(network) => ctx.text(network.address.to_string().as_bytes()),
        None => ctx.null(),
    }
}

fn mask_length(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match Network::parse(&args[0]) {
        Some(network) => ctx.integer(i64::from(network.prefix)),
        None => ctx.null(),
    }
}

fn network(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let Some(network) = Network::parse(&args[0]) else { return ctx.null() };
    let bits = network.network_bits(network.prefix);
    let base = match network.address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits((bits >> 96) as u32)),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    };
    ctx.text(format!("{base}/{}", network.prefix).as_bytes())
}

fn contains(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let (Some(outer), Some(inner)) = (Network::parse(&args[0]), Network::parse(&args[1])) else { return ctx.null() };
    let inside = outer.address.is_ipv4() == inner.address.is_ipv4()
        && outer.prefix <= inner.prefix
        && outer.network_bits(outer.prefix) == inner.network_bits(outer.prefix);
    ctx.integer(i64::from(inside))
}

#[cfg(test)]
mod tests {
    use super::super::support::{check, t};
    use turso_value::Value;

    #[test]
    fn parts_of_addresses() {
        check("ipfamily", &[t("192.168.1.1")], 4);
        check("ipfamily", &[t("2001:db8::1")], 6);
        check("iphost", &[t("2001:DB8:0:0::123/64")], "2001:db8::123");
        check("ipmasklen", &[t("192.168.16.12/24")], 24);
        check("ipmasklen", &[t("::1")], 128);
        check("ipnetwork", &[t("192.168.16.12/24")], "192.168.16.0/24");
        check("ipnetwork", &[t("192.168.16.12")], "192.168.16.12/32");
        check("ipnetwork", &[t("2001:db8::123/64")], "2001:db8::/64");
        check("ipnetwork", &[t("1.2.3.4/0")], "0.0.0.0/0");
        for bad in ["x", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/a", "", "1.2.3.4/+8", "1.2.3"] {
            for name in ["ipfamily", "iphost", "ipmasklen", "ipnetwork"] {
                check(name, &[t(bad)], Value::Null);
            }
        }
    }

    #[test]
    fn networks_in_networks() {
        for (net, ip, expected) in [
            ("192.168.16.0/24", "192.168.16.3", 1),
            ("192.168.16.0/24", "192.168.17.3", 0),
            ("192.168.16.0/24", "192.168.16.0/25", 1),
            ("192.168.16.0/25", "192.168.16.0/24", 0),
            ("::/0", "1.2.3.4", 0),
            ("::/0", "::1", 1),
            ("1.2.3.4/24", "1.2.3.5", 1),
        ] {
            check("ipcontains", &[t(net), t(ip)], expected);
        }
        check("ipcontains", &[t("x"), t("1.2.3.4")], Value::Null);
        check("ipcontains", &[Value::Null, t("1.2.3.4")], Value::Null);
    }
}
