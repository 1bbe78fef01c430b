//! Which requests may come from a browser: those of the interface's own pages, and no other site's.
//!
//! A browser sends the name and password it remembers along with whatever any page asks for. So a request over TCP has
//! to name this server in `Host`, which a page cannot choose: a name that somebody has pointed at this machine (DNS
//! rebinding) is not one of them. What a browser says of the page that asks (`Origin`, `Sec-Fetch-Site`) must be this
//! server too; and what changes something says that it is JSON, also when it is empty, which a page of another site
//! may not say without asking first, and nobody here answers such questions.

use std::collections::BTreeSet;
use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, header};

use super::Door;
use crate::admin::operation::Method;
use crate::admin::{Problem, ProblemKind};
use crate::config::Config;

/// The names of the interface.
#[derive(Debug, Clone)]
pub struct Names {
    /// Names that `Host` may have.
    hosts: BTreeSet<String>,
    /// Those under which browsers see the interface where a web server in front has its own idea of `Host`.
    public: BTreeSet<String>,
}

impl Names {
    /// Those of a configuration.
    pub fn of(config: &Config) -> Self {
        let public: BTreeSet<String> = config.http.names.iter().cloned().collect();
        let own = [config.hostname.clone(), "localhost".to_owned()];
        Self { hosts: public.iter().cloned().chain(own).collect(), public }
    }

    /// Whether this names the server. A number is no name that somebody else could point here.
    fn has_host(&self, authority: &str) -> bool {
        let name = host(authority).to_ascii_lowercase();
        let number = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
        number.parse::<IpAddr>().is_ok() || self.hosts.contains(name.strip_suffix('.').unwrap_or(&name))
    }

    /// Whether a page of this origin is one of this server, asked as `authority`.
    fn has_origin(&self, origin: &str, authority: &str) -> bool {
        let Some((scheme, from)) = origin.split_once("://") else { return false };
        let port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => return false,
        };
        let plain = |authority: &str| authority.strip_suffix(port).unwrap_or(authority).to_ascii_lowercase();
        plain(from) == plain(authority) || self.public.contains(&host(from).to_ascii_lowercase())
    }

    /// Whether a request comes to a name of this server, whoever sent it.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn check_host<'a>(&self, uri: &'a Uri, headers: &'a HeaderMap) -> Result<&'a str, Problem> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().unwrap_or_default(),
            _ => return Err(Problem::invalid("a request has one Host")),
        };
        // RFC 9112 3.2.2: what is in the target counts.
        let authority = uri.authority().map_or(host, |authority| authority.as_str());
        if self.has_host(host) && self.has_host(authority) {
            return Ok(authority);
        }
        let detail = format!("this server is not called {:?}", super::shown(authority));
        Err(Problem::new(ProblemKind::Forbidden, detail)
            .remedy("use its hostname or its address, or add the name to `names` under [http]"))
    }

    /// Whether a request may have come from where it says it has. Nothing is asked of the socket in the data
    /// directory, which no browser opens, but the type of the body.
    ///
    /// # Errors
    ///
    /// Why it is not done.
    pub(super) fn check(
        &self,
        door: Option<Door>,
        method: Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), Problem> {
        if !matches!(door, Some(Door::Local)) {
            let authority = self.check_host(uri, headers)?;
            let is_own = |origin: &axum::http::HeaderValue| {
                origin.to_str().is_ok_and(|origin| self.has_origin(origin, authority))
            };
            let is_from_here = |site: &axum::http::HeaderValue| site == "same-origin" || site == "none";
            if !headers.get_all(header::ORIGIN).iter().all(is_own)
                || !headers.get_all("sec-fetch-site").iter().all(is_from_here)
            {
                let problem = Problem::new(ProblemKind::Forbidden, "a page of another site asks for this");
                return Err(problem.remedy(
                    "where this site is a web server in front of this one, add its name to `names` under [http]",
                ));
            }
        }
        if method.has_body() && !is_json(headers) {
            return Err(Problem::invalid("the body is not called JSON")
                .remedy("send Content-Type: application/json, also with an empty body"));
        }
        Ok(())
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// An authority without its port.
fn host(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut config = Config::new("mail.x.test", "d");
        config.http.names = vec!["admin.x.test".to_owned()];
        Names::of(&config)
    }

    #[test]
    fn adm_02_a_host_is_a_name_of_the_server_or_a_number() {
        let names = names();
        for own in [
            "mail.x.test",
            "MAIL.x.test.:8080",
            "admin.x.test",
            "localhost:8080",
            "127.0.0.1:8080",
            "192.0.2.25",
            "[::1]:8080",
            "[2001:db8::25]",
        ] {
            assert!(names.has_host(own), "{own}");
        }
        for other in
            ["", "evil.test", "evil.test:8080", "mail.x.test.evil.test", "xlocalhost", "[::1", "1.2.3"]
        {
            assert!(!names.has_host(other), "{other}");
        }
    }

    #[test]
    fn adm_02_an_origin_is_the_host_that_is_asked_or_a_name_that_was_configured() {
        let names = names();
        for (origin, host) in [
            ("https://mail.x.test", "mail.x.test"),
            ("https://mail.x.test", "mail.x.test:443"),
            ("http://localhost:8080", "LOCALHOST:8080"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("https://admin.x.test", "127.0.0.1:8080"),
        ] {
            assert!(names.has_origin(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("null", "localhost"),
            ("", "localhost"),
            ("http://evil.test", "localhost"),
            // Another program on the same machine.
            ("http://localhost:3000", "localhost:8080"),
            ("http://localhost", "127.0.0.1"),
            ("file://localhost", "localhost"),
            ("https://mail.x.test", "127.0.0.1:8080"),
        ] {
            assert!(!names.has_origin(origin, host), "{origin} {host}");
        }
    }
}
