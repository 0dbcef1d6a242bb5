//! The unit by which addresses are counted.

use std::net::{IpAddr, Ipv6Addr};

/// Returns the address under which limits count a sender. IPv6 addresses are reduced to their /64 network, because
/// one host controls all of it. An IPv4 address in the form of an IPv6 one is counted as IPv4.
pub fn throttle_prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}
