//! Which `Host` a request may name.
//!
//! A web page can make a browser send requests here by pointing a name of its own at loopback (DNS
//! rebinding); the browser then says that name. So only loopback's names, the configured one and the
//! very address that the request came to are taken.

use std::net::{IpAddr, SocketAddr};

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

/// The names.
#[derive(Clone, Debug)]
pub struct Hosts {
    configured: String,
}

impl Hosts {
    /// With the name that the user configured.
    pub fn new(configured: &str) -> Self {
        Self {
            configured: configured.to_owned(),
        }
    }

    /// Whether a request that came to `local` may be served.
    pub fn allow(&self, uri: &Uri, headers: &HeaderMap, local: SocketAddr) -> bool {
        let mut named = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (named.next(), named.next()) else {
            return false;
        };
        let Ok(host) = Authority::try_from(host.as_bytes()) else {
            return false;
        };
        self.knows(host.host(), local)
            && uri
                .authority()
                .is_none_or(|authority| self.knows(authority.host(), local))
    }

    fn knows(&self, host: &str, local: SocketAddr) -> bool {
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback() || ip.to_canonical() == local.ip().to_canonical(),
            Err(_) => {
                bare.eq_ignore_ascii_case("localhost")
                    || bare.eq_ignore_ascii_case(&self.configured)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_taken() {
        let hosts = Hosts::new("build.lan");
        let local: SocketAddr = "192.0.2.7:7777".parse().unwrap();
        let allowed = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            hosts.allow(&Uri::from_static("/x"), &headers, local)
        };
        for host in [
            "localhost",
            "LOCALHOST:7777",
            "127.0.0.1:7777",
            "127.0.0.2",
            "[::1]:7777",
            "192.0.2.7:7777",
            "build.lan:1",
        ] {
            assert!(allowed(host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "192.0.2.8",
            "127.0.0.1.evil.example",
            "",
            "localhost@evil",
            "0.0.0.0",
        ] {
            assert!(!allowed(host), "{host}");
        }
        let none = HeaderMap::new();
        assert!(!hosts.allow(&Uri::from_static("/x"), &none, local));
        let mut twice = HeaderMap::new();
        twice.append(header::HOST, "localhost".parse().unwrap());
        twice.append(header::HOST, "localhost".parse().unwrap());
        assert!(!hosts.allow(&Uri::from_static("/x"), &twice, local));
        let mut one = HeaderMap::new();
        one.append(header::HOST, "localhost".parse().unwrap());
        assert!(!hosts.allow(&Uri::from_static("http://evil.example/x"), &one, local));
    }
}
