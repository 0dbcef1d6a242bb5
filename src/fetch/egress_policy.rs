//! Decides which addresses may be called. The decision is made on the resolved address that the
//! connection uses, so a name cannot resolve differently in between (DNS rebinding).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Allows public addresses, and those that the installation allows.
#[derive(Clone, Debug, Default)]
pub struct EgressPolicy {
    allowed: Vec<IpNet>,
    has_private_networks: bool,
}

impl EgressPolicy {
    /// Allows these addresses in addition to public ones.
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed, has_private_networks: false }
    }

    /// Allows the private networks (RFC 1918, RFC 4193) too, for hosts that the installation lists.
    /// Loopback, link-local and metadata addresses stay refused.
    #[must_use]
    pub fn with_private_networks(mut self) -> Self {
        let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
        self.allowed.extend(private.iter().flat_map(|net| net.parse::<IpNet>()));
        self.has_private_networks = true;
        self
    }

    /// Returns true for the policy of hosts that the installation lists.
    pub fn allows_private_networks(&self) -> bool {
        self.has_private_networks
    }

    /// Returns true if the address may be called with TLS.
    pub fn allows_with_tls(&self, address: IpAddr) -> bool {
        self.allows_plaintext(address) || is_public(address.to_canonical())
    }

    /// Returns true if the installation allows the address explicitly, which also permits plain
    /// HTTP.
    pub fn allows_plaintext(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if address == IpAddr::V6(AMAZON_METADATA) {
            return false;
        }
        self.allowed.iter().any(|net| net.contains(&address))
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// The metadata address of Amazon's machines in a private network (RFC 4193).
const AMAZON_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
/// The metadata address of Azure virtual machines, which is in a public range.
const AZURE_HOST: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// The IANA registry of special-purpose addresses (RFC 6890), multicast (RFC 5771) and class E.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || address == AZURE_HOST
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // carrier-grade NAT (RFC 6598)
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 192 && b == 88 && c == 99) // 6to4 relays
        || (a == 198 && (b == 18 || b == 19)); // benchmarks
    !special
}

/// Global unicast (`2000::/3`) without special-purpose ranges. Addresses that embed an IPv4 address
/// are checked by it or refused.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    if s[0] == 0x64 && s[1] == 0xff9b && s[2..6] == [0; 4] {
        // NAT64 (RFC 6052) leads to the IPv4 address in it.
        let [.., high, low] = s;
        return is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    }
    let special = s[0] == 0x2002 // 6to4 (RFC 3056)
        || (s[0] == 0x2001 && s[1] < 0x200) // Teredo, ORCHID and other assignments (RFC 2928)
        || (s[0] == 0x2001 && s[1] == 0xdb8) // documentation
        || (s[0] == 0x3fff && s[1] < 0x1000); // documentation (RFC 9637)
    (0x2000..0x4000).contains(&s[0]) && !special
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn admits(guard: &EgressPolicy, text: &str) -> bool {
        guard.allows_with_tls(text.parse().expect("an address"))
    }

    #[test]
    fn admits_public_addresses() {
        let guard = EgressPolicy::default();
        for text in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(admits(&guard, text), "{text}");
        }
    }

    #[test]
    fn refuses_internal_addresses_in_every_notation() {
        let guard = EgressPolicy::default();
        for text in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "198.18.0.1",
            "192.0.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
        ] {
            assert!(!admits(&guard, text), "{text}");
        }
    }

    #[test]
    fn allows_configured_addresses() {
        let guard = EgressPolicy::new(vec!["10.0.0.0/8".parse().expect("a net")]);
        assert!(admits(&guard, "10.1.2.3") && admits(&guard, "::ffff:10.1.2.3"));
        assert!(guard.allows_plaintext("10.1.2.3".parse().expect("an address")));
        assert!(!admits(&guard, "192.168.1.1"));
        assert!(
            !guard.allows_plaintext("1.1.1.1".parse().expect("an address")),
            "public, but not configured"
        );
    }

    #[test]
    fn private_networks_do_not_contain_metadata_or_this_machine() {
        let guard = EgressPolicy::default().with_private_networks();
        for text in ["10.1.2.3", "192.168.1.1", "fd12::1", "1.1.1.1"] {
            assert!(admits(&guard, text), "{text}");
        }
        for text in ["127.0.0.1", "::1", "169.254.169.254", "fd00:ec2::254", "168.63.129.16"] {
            assert!(!admits(&guard, text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_embedded_ipv4_address_is_judged_by_itself(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let guard = EgressPolicy::default();
            prop_assert_eq!(guard.allows_with_tls(v4.into()), guard.allows_with_tls(v4.to_ipv6_mapped().into()));
        }
    }
}
