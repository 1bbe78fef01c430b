//! The way to the service layer: through the socket of the server that runs on the data directory, or, where none
//! runs, in this process.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;

use crate::admin::http::{NDJSON, SOCKET};
use crate::admin::{Admin, Operation, Principal, Problem, ProblemKind};
use crate::config::Config;
use crate::directory::Directory;
use crate::store::{Maildrops, NoListener, Progress, Store, StoreError, sqlite::Sqlite};

/// The way to the service layer.
pub(super) enum Door {
    /// A server runs.
    Socket(UnixStream),
    /// None does.
    Here(Admin, Arc<dyn Store>),
}

impl Door {
    /// Finds the way.
    pub(super) async fn open(config: &Config) -> Result<Self, Problem> {
        let socket = config.data.join(SOCKET);
        if let Ok(stream) = UnixStream::connect(&socket).await {
            return Ok(Self::Socket(stream));
        }
        let store = Sqlite::open_with(&config.data, Arc::new(NoListener), config.search.options());
        let store = store.map_err(|error| match error {
            StoreError::Locked => Problem::from(error).remedy(format!(
                "it does not listen at {}: wait until it has started, or end it",
                socket.display()
            )),
            error => error.into(),
        })?;
        let store: Arc<dyn Store> = Arc::new(store);
        let directory = Directory::open(Arc::clone(&store), config.directory_options()).await?;
        let admin = Admin::new(directory, Arc::clone(&store), Maildrops::default(), config);
        Ok(Self::Here(admin, store))
    }

    /// Does one operation.
    pub(super) async fn call<O: Operation>(
        self,
        request: O,
        progress: Progress,
    ) -> Result<O::Answer, Problem> {
        match self {
            Self::Here(admin, store) => {
                let answer = request.run(&admin, &Principal::Local, progress).await;
                let closed = store.close().await;
                let answer = answer?;
                closed?;
                Ok(answer)
            }
            Self::Socket(stream) => {
                let way = Way { host: "localhost".to_owned(), authorization: None };
                let answer = ask::<O>(stream, way, &request, &progress).await?;
                serde_json::from_value(answer).map_err(|error| broken(&error))
            }
        }
    }

    /// The service layer itself, where no server runs.
    pub(super) fn here(self) -> Result<(Admin, Arc<dyn Store>), Problem> {
        match self {
            Self::Here(admin, store) => Ok((admin, store)),
            Self::Socket(_) => {
                let problem = Problem::new(ProblemKind::Conflict, "a server runs on the data directory");
                Err(problem.remedy("end it first"))
            }
        }
    }
}

/// What a request carries besides what it asks for.
pub(super) struct Way {
    /// Whom it asks.
    pub(super) host: String,
    /// Who asks, where that is not known from the way.
    pub(super) authorization: Option<String>,
}

/// Asks a server at the other end of a stream.
pub(super) async fn ask<O: Operation>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    way: Way,
    request: &O,
    progress: &Progress,
) -> Result<Value, Problem> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    let driver = tokio::spawn(connection);
    let request = encode::<O>(way, request)?;
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    let answer = read(response, progress).await;
    drop(sender);
    driver.abort();
    answer
}

/// The request as HTTP: fields of the path in the path, the others in the query or in the body.
fn encode<O: Operation>(way: Way, request: &O) -> Result<Request<Full<Bytes>>, Problem> {
    let value = serde_json::to_value(request).map_err(|error| broken(&error))?;
    let Value::Object(mut fields) = value else { return Err(broken(&"a request that is no object")) };
    let mut path = String::new();
    for part in O::PATH.split('/').skip(1) {
        path.push('/');
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => {
                let value = fields.remove(name).map(|value| text(&value)).unwrap_or_default();
                path.extend(utf8_percent_encode(&value, NON_ALPHANUMERIC));
            }
            None => path.push_str(part),
        }
    }
    let mut body = Bytes::new();
    if O::METHOD.has_body() {
        body = Value::Object(fields).to_string().into();
    } else {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            query.append_pair(name, &text(value));
        }
        let query = query.finish();
        if !query.is_empty() {
            path.push('?');
            path.push_str(&query);
        }
    }
    let mut encoded = Request::builder()
        .method(O::METHOD.as_str())
        .uri(path)
        .header("host", way.host)
        .header("accept", NDJSON)
        .header("content-type", "application/json");
    if let Some(authorization) = way.authorization {
        encoded = encoded.header("authorization", authorization);
    }
    encoded.body(Full::new(body)).map_err(|error| broken(&error))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Lines of progress, then the answer.
async fn read(response: Response<Incoming>, progress: &Progress) -> Result<Value, Problem> {
    let status = response.status();
    let mut body = response.into_body();
    let mut waiting = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        waiting.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        while status == StatusCode::OK
            && let Some(end) = waiting.iter().position(|octet| *octet == b'\n')
        {
            let rest = waiting.split_off(end.saturating_add(1));
            let line = std::mem::replace(&mut waiting, rest);
            let mut line: Value = serde_json::from_slice(&line).map_err(|error| broken(&error))?;
            if let Some(answer) = line.get_mut("answer") {
                return Ok(answer.take());
            }
            if let Some(problem) = line.get_mut("problem") {
                return Err(serde_json::from_value(problem.take()).unwrap_or_else(|error| broken(&error)));
            }
            let number = |name: &str| line.get("progress")?.get(name)?.as_u64();
            if let (Some(done), Some(of)) = (number("done"), number("of")) {
                progress.tell(done, of);
            }
        }
    }
    Err(serde_json::from_slice(&waiting).unwrap_or_else(|_| broken(&format_args!("it answered {status}"))))
}

fn broken(error: &dyn std::fmt::Display) -> Problem {
    let problem = Problem::new(ProblemKind::Unavailable, format!("the server could not be asked: {error}"));
    problem.remedy("see its log; it may be of another version than this program")
}
