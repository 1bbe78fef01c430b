//! The body of a request: one JSON object, of bounded size and depth, in which nothing stands twice.

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use http_body_util::{BodyExt, Limited};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::admin::Problem;

/// Reads a body; an empty one is an empty object.
///
/// # Errors
///
/// What is wrong with it.
pub(super) async fn read(body: Body) -> Result<Map<String, Value>, Problem> {
    let too_slow = |_| Problem::invalid("the body took too long to arrive");
    let body = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_MAX).collect());
    let body = body.await.map_err(too_slow)?;
    let body = body.map_err(|_| Problem::invalid(format!("the body is longer than {BODY_MAX} octets")))?;
    let body = body.to_bytes();
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&body) {
        Ok(Unambiguous(Value::Object(fields))) => Ok(fields),
        Ok(_) => Err(Problem::invalid("the body is no JSON object")),
        Err(error) => Err(Problem::invalid(format!("the body is no JSON object: {error}"))),
    }
}

/// A JSON value in which no object has a name twice: of two values, two readers could take each the other one.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any).map(Self)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("this is no number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unambiguous(value)) = from.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some((name, Unambiguous(value))) = from.next_entry::<String, _>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format!("{:?} is in it twice", super::shown(&name))));
            }
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

/// So long may the body of a request take.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Octets of the body of a request: some hundred thousand accounts as CSV.
const BODY_MAX: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn adm_03_a_name_stands_once_also_within() {
        let fields = read(Body::from("{\"a\":[1,-1,1.5,null,true,\"x\"],\"b\":{\"c\":{}}}")).await.unwrap();
        assert_eq!(Value::Object(fields).to_string(), "{\"a\":[1,-1,1.5,null,true,\"x\"],\"b\":{\"c\":{}}}");
        for bad in ["{\"a\":1,\"a\":1}", "{\"a\":{\"b\":1,\"b\":2}}", "[]", "1", "{", "{\"a\":1e400}"] {
            assert!(read(Body::from(bad)).await.is_err(), "{bad}");
        }
        assert!(read(Body::empty()).await.unwrap().is_empty());
    }
}
