//! The description of the interface (OpenAPI 3.1), made of the types of the operations.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::admin::operation::{Method, Route, routes};
use crate::admin::{Problem, ProblemKind};

/// The description of the interface.
pub fn document() -> Value {
    let mut generator = generator();
    let mut paths = Map::new();
    for route in routes() {
        let described = operation(&route, &mut generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.as_str().to_lowercase(), described);
        }
    }
    let problem = generator.subschema_for::<Problem>();
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Posthaste administration",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The administration of a Posthaste mail server.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "security": [{ "basic": [] }, { "bearer": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "basic": { "type": "http", "scheme": "basic" },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
            "responses": {
                "Problem": {
                    "description": "It was not done; the document says why and what to do.",
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
        },
    })
}

/// The fields of a request that are numbers or switches.
pub(super) fn numbers(route: &Route) -> Vec<String> {
    let request = properties(route, &mut generator());
    let is_number = |schema: &Value| {
        let kinds = match schema.get("type") {
            Some(Value::Array(kinds)) => kinds.clone(),
            Some(kind) => vec![kind.clone()],
            None => Vec::new(),
        };
        kinds.iter().any(|kind| ["integer", "number", "boolean"].iter().any(|number| kind == number))
    };
    request.into_iter().filter(|(_, schema)| is_number(schema)).map(|(name, _)| name).collect()
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let in_path: Vec<&str> = route.path_fields().collect();
    let required = required(route);
    let fields = properties(route, generator);
    let (path, others): (Map<_, _>, Map<_, _>) =
        fields.into_iter().partition(|(name, _)| in_path.contains(&name.as_str()));
    let parameter = |place: &str, name: &str, schema: &Value| {
        let is_required = place == "path" || required.iter().any(|field| field == name);
        json!({ "name": name, "in": place, "required": is_required, "schema": schema })
    };
    let mut parameters: Vec<Value> =
        path.iter().map(|(name, schema)| parameter("path", name, schema)).collect();
    let answer = (route.answer)(generator);
    let mut described = json!({
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.name.split('.').next().unwrap_or_default()],
        "responses": {
            "200": { "description": "Done.", "content": { "application/json": { "schema": answer } } },
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    let Some(object) = described.as_object_mut() else { return described };
    if route.method.has_body() {
        let required: Vec<_> = required.iter().filter(|name| others.contains_key(*name)).collect();
        let schema = json!({ "type": "object", "properties": others, "required": required });
        let body = json!({ "content": { "application/json": { "schema": schema } } });
        object.insert("requestBody".to_owned(), body);
    } else {
        parameters.extend(others.iter().map(|(name, schema)| parameter("query", name, schema)));
    }
    object.insert("parameters".to_owned(), Value::Array(parameters));
    if route.method == Method::Get {
        return described;
    }
    let kinds = [ProblemKind::Invalid, ProblemKind::Forbidden, ProblemKind::Conflict, ProblemKind::Limit];
    if let Some(responses) = described.get_mut("responses").and_then(Value::as_object_mut) {
        for kind in kinds {
            responses.insert(kind.status().to_string(), json!({ "$ref": "#/components/responses/Problem" }));
        }
    }
    described
}

/// The fields of a request with what they may be; types that they share stand in the components.
fn properties(route: &Route, generator: &mut SchemaGenerator) -> Map<String, Value> {
    let request = whole(route, generator);
    request.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
}

fn required(route: &Route) -> Vec<String> {
    let request = whole(route, &mut generator());
    let names = request.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What a request looks like, not as a reference. It is not among the components itself: each is used once.
fn whole(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let schema = (route.request)(generator).to_value();
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|link| link.rsplit('/').next());
    match name.map(str::to_owned) {
        Some(name) => generator.definitions_mut().remove(&name).unwrap_or_default(),
        None => schema,
    }
}

fn generator() -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.into_generator()
}
