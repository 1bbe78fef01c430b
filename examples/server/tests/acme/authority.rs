//! A small authority (RFC 8555), over TLS, in this process. It checks every signature, nonce and URL, fetches what shows that
//! a host is the server, and gives certificates that a client verifies.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use posthaste_server::config::{Acme, CertificateSource, Config, Tls};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::der;
use crate::jws::{Key, Signed, base64, unbase64};

/// An authority that runs until this is dropped.
pub(crate) struct Authority {
    url: String,
    /// In PEM, of what it gives and of its own.
    pub(crate) root: String,
    state: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    url: String,
    root: String,
    issuer: Issuer<'static, KeyPair>,
    /// Where the hosts lead to, port 80 of all.
    hosts_lead_to: watch::Sender<Option<SocketAddr>>,
    state: Mutex<State>,
}

/// What an authority knows, and how it behaves.
#[derive(Default)]
pub(crate) struct State {
    /// It is not there.
    pub(crate) is_gone: bool,
    /// So many nonces are said to be bad.
    pub(crate) bad_nonces: u32,
    /// What is answered to new orders: status, type, and when to come again.
    pub(crate) refusal: Option<(u16, &'static str, &'static str)>,
    /// What is answered to everything, as by something in front of it.
    pub(crate) page: Option<(u16, &'static str)>,
    /// So many times an order is said not to be ready yet.
    pub(crate) lag: u32,
    /// How long certificates are valid: from so long ago, for so long.
    pub(crate) validity: Option<(Duration, Duration)>,
    /// Certificates are for another key than the one that was sent.
    pub(crate) mixes_up_keys: bool,
    /// When to renew: seconds since 1970.
    pub(crate) suggestion: Option<(i64, i64)>,
    /// Orders that were placed.
    pub(crate) placed: Vec<Vec<String>>,
    /// Whom it may write to, by account.
    pub(crate) contacts: Vec<Value>,
    nonces: BTreeSet<String>,
    accounts: BTreeMap<String, Key>,
    orders: Vec<Order>,
    authorizations: Vec<Authorization>,
    number: u64,
}

impl State {
    pub(crate) fn forget_accounts(&mut self) {
        self.accounts.clear();
    }
}

struct Order {
    account: String,
    hosts: Vec<String>,
    authorizations: Vec<usize>,
    certificate: Option<String>,
    lag: u32,
}

struct Authorization {
    host: String,
    token: String,
    status: &'static str,
    error: Option<Value>,
}

type Answer = Response<Full<Bytes>>;

impl Drop for Authority {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Authority {
    pub(crate) async fn open() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Small Authority");
        let root = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let own_key = KeyPair::generate().unwrap();
        let own =
            CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&own_key, &issuer).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], PrivateKeyDer::Pkcs8(own_key.serialize_der().into()))
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let state = Mutex::default();
        let shared = Arc::new(Shared {
            url: url.clone(),
            root: root.pem(),
            issuer,
            hosts_lead_to: watch::Sender::default(),
            state,
        });
        let serving = serve(listener, TlsAcceptor::from(Arc::new(tls)), Arc::clone(&shared));
        Self { url, root: root.pem(), state: shared, task: tokio::spawn(serving) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.state.lock().unwrap()
    }

    /// From now on, or as soon as it looks, the authority finds all hosts there.
    pub(crate) fn hosts_lead_to(&self, address: SocketAddr) {
        self.state.hosts_lead_to.send_replace(Some(address));
    }

    /// What a configuration says that has this authority asked for `hosts`; questions are answered at `listen`.
    pub(crate) fn configure(&self, config: &mut Config, hosts: &[&str]) {
        let roots = config.data.join("root.pem");
        std::fs::create_dir_all(&config.data).unwrap();
        std::fs::write(&roots, &self.root).unwrap();
        let acme = Acme {
            directory: Url::parse(&format!("{}/directory", self.url)).unwrap(),
            contact: Vec::new(),
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            roots: Some(roots),
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        };
        config.tls = Some(Tls { source: CertificateSource::Acme(acme), others: Vec::new() });
    }

    /// The configuration of a server that is nothing but its certificates.
    pub(crate) fn config(&self, data: &Path, hosts: &[&str]) -> Config {
        let mut config = Config::new("mail.test", data);
        self.configure(&mut config, hosts);
        config
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            if shared.state.lock().unwrap().is_gone {
                return;
            }
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = service_fn(|request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(shared.answer(request).await) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        assert!(parts.headers["user-agent"].to_str().unwrap().starts_with("posthaste/"));
        let body = body.collect().await.unwrap().to_bytes();
        if let Some((status, page)) = self.state.lock().unwrap().page {
            return Response::builder()
                .status(status)
                .header("content-type", "text/html")
                .body(page.into())
                .unwrap();
        }
        let mut answer = match (&parts.method, path.as_str()) {
            (&Method::GET, "/directory") => self.directory(),
            (&Method::HEAD, "/nonce") => json_answer(200, &Value::Null),
            (&Method::GET, _) if path.starts_with("/renewal/") => self.renewal(&path),
            (&Method::POST, _) => {
                assert_eq!(parts.headers["content-type"], "application/jose+json");
                self.post(&path, &Signed::parse(&body)).await
            }
            other => panic!("{other:?}"),
        };
        let mut state = self.state.lock().unwrap();
        state.number += 1;
        let nonce = base64(format!("nonce {}", state.number));
        state.nonces.insert(nonce.clone());
        answer.headers_mut().insert("replay-nonce", nonce.parse().unwrap());
        answer
    }

    fn directory(&self) -> Answer {
        let url = |name: &str| format!("{}/{name}", self.url);
        let mut directory = json!({
            "newNonce": url("nonce"), "newAccount": url("account"), "newOrder": url("order"),
            "revokeCert": url("revoke"), "keyChange": url("key"),
        });
        if self.state.lock().unwrap().suggestion.is_some() {
            directory["renewalInfo"] = url("renewal").into();
        }
        json_answer(200, &directory)
    }

    fn renewal(&self, path: &str) -> Answer {
        // RFC 9773 4.1: two numbers, of the authority and of the certificate.
        let (authority, serial) = path.strip_prefix("/renewal/").unwrap().split_once('.').unwrap();
        assert!(unbase64(authority).len() == 20 && !unbase64(serial).is_empty());
        let (start, end) = self.state.lock().unwrap().suggestion.unwrap();
        let moment = |seconds: i64| jiff::Timestamp::from_second(seconds).unwrap().to_string();
        let mut answer =
            json_answer(200, &json!({ "suggestedWindow": { "start": moment(start), "end": moment(end) } }));
        answer.headers_mut().insert("retry-after", "21600".parse().unwrap());
        answer
    }

    async fn post(&self, path: &str, request: &Signed) -> Answer {
        assert_eq!(request.header["url"], format!("{}{path}", self.url));
        {
            let mut state = self.state.lock().unwrap();
            let is_known = state.nonces.remove(request.header["nonce"].as_str().unwrap());
            assert!(is_known, "a nonce of one's own, or used twice");
            if state.bad_nonces > 0 {
                state.bad_nonces -= 1;
                return problem(400, "badNonce", "try again");
            }
        }
        if path == "/account" {
            return self.new_account(request);
        }
        let account = request.header["kid"].as_str().unwrap();
        let key = self.state.lock().unwrap().accounts.get(account).cloned();
        let Some(key) = key else { return problem(400, "accountDoesNotExist", "who is that?") };
        assert!(key.has_signed(request), "{path}");
        let words: Vec<&str> = path.split('/').collect();
        let number = || words[2].parse::<usize>().unwrap();
        match words[1] {
            "accounts" => {
                let contact = request.json()["contact"].clone();
                self.state.lock().unwrap().contacts.push(contact);
                json_answer(200, &json!({ "status": "valid" }))
            }
            "order" => self.new_order(account, &request.json()),
            "orders" if words.len() == 3 => self.order(number()),
            "orders" => self.finalize(number(), account, &request.json()),
            "authorizations" => self.authorization(number()),
            "challenges" => self.challenge(number(), &key).await,
            "certificates" => {
                let chain = self.state.lock().unwrap().orders[number()].certificate.clone().unwrap();
                Response::builder()
                    .header("content-type", "application/pem-certificate-chain")
                    .body(chain.into())
                    .unwrap()
            }
            _ => panic!("{path}"),
        }
    }

    fn new_account(&self, request: &Signed) -> Answer {
        let key = Key::of_jwk(&request.header["jwk"]);
        assert!(key.has_signed(request));
        let wanted = request.json();
        if wanted["termsOfServiceAgreed"] != true {
            return problem(403, "userActionRequired", "agree to the terms");
        }
        let mut state = self.state.lock().unwrap();
        let account = format!("{}/accounts/{}", self.url, state.accounts.len());
        state.accounts.insert(account.clone(), key);
        state.contacts.push(wanted["contact"].clone());
        located(json_answer(201, &json!({ "status": "valid" })), &account)
    }

    fn new_order(&self, account: &str, wanted: &Value) -> Answer {
        let mut state = self.state.lock().unwrap();
        if let Some((status, kind, retry_after)) = state.refusal {
            let mut answer = problem(status, kind, "not now");
            if !retry_after.is_empty() {
                answer.headers_mut().insert("retry-after", retry_after.parse().unwrap());
            }
            return answer;
        }
        let identifiers = wanted["identifiers"].as_array().unwrap();
        let host = |identifier: &Value| {
            assert_eq!(identifier["type"], "dns");
            identifier["value"].as_str().unwrap().to_owned()
        };
        let hosts: Vec<String> = identifiers.iter().map(host).collect();
        state.placed.push(hosts.clone());
        let first = state.authorizations.len();
        for host in &hosts {
            let token = base64(format!("token {} of {host}", state.authorizations.len()));
            let authorization = Authorization { host: host.clone(), token, status: "pending", error: None };
            state.authorizations.push(authorization);
        }
        let authorizations = (first..state.authorizations.len()).collect();
        let lag = state.lag;
        state.orders.push(Order {
            account: account.to_owned(),
            hosts,
            authorizations,
            certificate: None,
            lag,
        });
        let number = state.orders.len() - 1;
        drop(state);
        located(self.order(number), &format!("{}/orders/{number}", self.url))
    }

    /// RFC 8555 7.1.6: what an order is by what its authorizations are.
    fn order(&self, number: usize) -> Answer {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        let order = &mut state.orders[number];
        let all =
            |status: &str| order.authorizations.iter().all(|one| state.authorizations[*one].status == status);
        let any =
            |status: &str| order.authorizations.iter().any(|one| state.authorizations[*one].status == status);
        let status = match &order.certificate {
            Some(_) if order.lag > 0 => "processing",
            Some(_) => "valid",
            None if any("invalid") => "invalid",
            None if all("valid") && order.lag == 0 => "ready",
            None => "pending",
        };
        if order.lag > 0 && (all("valid") || order.certificate.is_some()) {
            order.lag -= 1;
        }
        let url = |kind: &str, number: usize| format!("{}/{kind}/{number}", self.url);
        let mut view = json!({
            "status": status,
            "identifiers": order.hosts.iter().map(|host| json!({ "type": "dns", "value": host })).collect::<Vec<_>>(),
            "authorizations": order.authorizations.iter().map(|one| url("authorizations", *one)).collect::<Vec<_>>(),
            "finalize": format!("{}/finalize", url("orders", number)),
        });
        if status == "valid" {
            view["certificate"] = url("certificates", number).into();
        }
        json_answer(200, &view)
    }

    fn authorization(&self, number: usize) -> Answer {
        let state = self.state.lock().unwrap();
        let Authorization { host, status, .. } = &state.authorizations[number];
        let other = json!({ "type": "dns-01", "url": format!("{}/none", self.url), "status": "pending", "token": "x" });
        json_answer(
            200,
            &json!({
                "status": status,
                "identifier": { "type": "dns", "value": host },
                "challenges": [other, self.challenge_view(&state, number)],
            }),
        )
    }

    fn challenge_view(&self, state: &State, number: usize) -> Value {
        let Authorization { token, status, error, .. } = &state.authorizations[number];
        let url = format!("{}/challenges/{number}", self.url);
        let mut view = json!({ "type": "http-01", "url": url, "status": status, "token": token });
        if let Some(error) = error {
            view["error"] = error.clone();
        }
        view
    }

    /// RFC 8555 8.3: goes and looks.
    async fn challenge(&self, number: usize, key: &Key) -> Answer {
        let (host, token) = {
            let state = self.state.lock().unwrap();
            let Authorization { host, token, .. } = &state.authorizations[number];
            (host.clone(), token.clone())
        };
        let target = self.hosts_lead_to.subscribe().wait_for(Option::is_some).await.unwrap().unwrap();
        let fetched = fetch(target, &host, &token).await;
        let wanted = format!("{token}.{}", key.thumbprint());
        let error = match fetched {
            Ok(found) if found.trim_end() == wanted => None,
            Ok(found) => Some(("unauthorized", format!("found {found:?}"))),
            Err(error) => Some(("connection", error)),
        };
        let mut state = self.state.lock().unwrap();
        let authorization = &mut state.authorizations[number];
        authorization.status = if error.is_some() { "invalid" } else { "valid" };
        authorization.error = error.map(|(kind, detail)| {
            json!({ "type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail })
        });
        // An authority answers before it has looked: what it found is in the authorization.
        let mut view = self.challenge_view(&state, number);
        view["status"] = "processing".into();
        view.as_object_mut().unwrap().remove("error");
        json_answer(200, &view)
    }

    fn finalize(&self, number: usize, account: &str, request: &Value) -> Answer {
        let mut state = self.state.lock().unwrap();
        assert_eq!(state.orders[number].account, account);
        let hosts = state.orders[number].hosts.clone();
        let Some(key) = der::requested_key(&unbase64(request["csr"].as_str().unwrap()), &hosts) else {
            return problem(400, "badCSR", "this is not what was ordered");
        };
        let key =
            if state.mixes_up_keys { KeyPair::generate().unwrap().public_key_raw().to_vec() } else { key };
        let mut params = CertificateParams::new(hosts).unwrap();
        let (ago, long) =
            state.validity.unwrap_or((Duration::from_secs(60), Duration::from_secs(90 * 86_400)));
        params.not_before = (SystemTime::now() - ago).into();
        params.not_after = (SystemTime::now() - ago + long).into();
        params.use_authority_key_identifier_extension = true;
        let given = params.signed_by(&Requested(key), &self.issuer).unwrap();
        state.orders[number].certificate = Some(format!("{}{}", given.pem(), self.root));
        state.orders[number].lag = state.lag;
        drop(state);
        self.order(number)
    }
}

struct Requested(Vec<u8>);

impl rcgen::PublicKeyData for Requested {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// What a host answers at port 80.
async fn fetch(target: SocketAddr, host: &str, token: &str) -> Result<String, String> {
    let mut stream = TcpStream::connect(target).await.map_err(|error| error.to_string())?;
    let request = format!(
        "GET /.well-known/acme-challenge/{token} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map_err(|error| error.to_string())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no HTTP")?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(head.lines().next().unwrap_or_default().to_owned());
    }
    Ok(body.to_owned())
}

fn json_answer(status: u16, value: &Value) -> Answer {
    let kind = if status < 400 { "application/json" } else { "application/problem+json" };
    Response::builder().status(status).header("content-type", kind).body(value.to_string().into()).unwrap()
}

fn problem(status: u16, kind: &str, detail: &str) -> Answer {
    json_answer(status, &json!({ "type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail }))
}

fn located(mut answer: Answer, url: &str) -> Answer {
    answer.headers_mut().insert("location", url.parse().unwrap());
    *answer.status_mut() = hyper::StatusCode::CREATED;
    answer
}
