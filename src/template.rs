//! The template engine: Tera without HTML escaping, with errors that name line and column.

use serde::Serialize;
use tera::{Context, ErrorKind, Kwargs, State, Tera};

use crate::error::{Error, Kind, Result};

/// A set of templates that can include each other by name.
#[derive(Debug)]
pub struct Templates {
    tera: Tera,
}

impl Templates {
    /// Parses templates, given as (name, text). Undefined variables are errors when they are rendered.
    ///
    /// # Errors
    /// Of the kind `Config`, with the template's name, line and column.
    pub fn new(templates: &[(&str, &str)]) -> Result<Self> {
        let mut tera = Tera::default();
        tera.autoescape_on(Vec::<&str>::new());
        tera.register_filter("nginx", |text: &str, _: Kwargs, _: &State| match forbidden_in_nginx(text) {
            None => Ok(text.to_owned()),
            Some(c) => {
                Err(tera::Error::message(format!("{text:?} holds {c:?}, which has a meaning for nginx")))
            }
        });
        tera.register_filter("yaml", |text: &str, _: Kwargs, _: &State| -> tera::TeraResult<String> {
            Ok(yaml_for_traefik(text))
        });
        tera.add_raw_templates(templates.iter().copied()).map_err(|error| failure(&error))?;
        Ok(Self { tera })
    }

    /// Renders a template with the fields of a value.
    ///
    /// # Errors
    /// Of the kind `Config`, with the template's name, line and column.
    pub fn render(&self, name: &str, context: &impl Serialize) -> Result<String> {
        let context = Context::from_serialize(context).map_err(|error| failure(&error))?;
        self.tera.render(name, &context).map_err(|error| failure(&error))
    }
}

/// The first character of a text that nginx would not take as part of one plain word.
pub fn forbidden_in_nginx(text: &str) -> Option<char> {
    text.chars().find(|&c| {
        c.is_whitespace() || c.is_control() || matches!(c, ';' | '{' | '}' | '"' | '\'' | '$' | '#' | '\\')
    })
}

/// A short fingerprint (64-bit FNV-1a) by which one rendering is told from another.
pub fn fingerprint(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// A text as a quoted word of YAML (YAML 1.2 takes every text of JSON) in a file that goes through Go's templates first,
/// as those of Traefik's file provider do.
pub fn yaml_for_traefik(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace("{{", "{{\"{{\"}}")
}

fn failure(error: &tera::Error) -> Error {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            let span = report.span();
            let place = format!("{}:{}:{}", report.filename(), span.start_line, span.start_col + 1);
            Error::new(Kind::Config, format!("template {place}: {}", report.message().trim()))
        }
        other => Error::new(Kind::Config, format!("template: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_undefined_variable_is_an_error_with_its_place() {
        let templates = Templates::new(&[("a.conf", "x {{ known }}\n  y {{ unknown }}\n")]).unwrap();
        let error = templates.render("a.conf", &BTreeMap::from([("known", "<1>")])).unwrap_err();
        assert!(error.to_string().starts_with("template a.conf:2:"), "{error}");
        assert!(error.to_string().contains("unknown"), "{error}");
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        let error = Templates::new(&[("a.conf", "\n{% if x %}")]).unwrap_err();
        assert!(error.to_string().starts_with("template a.conf:2:"), "{error}");
    }

    #[test]
    fn text_is_not_escaped_and_the_filter_refuses_what_nginx_would_take_apart() {
        let templates = Templates::new(&[("a", "{{ v | nginx }}")]).unwrap();
        assert_eq!(templates.render("a", &BTreeMap::from([("v", "<a&b>")])).unwrap(), "<a&b>");
        for bad in ["a;b", "a b", "a{", "a}", "a\nb", "$x", "\"", "'", "a#b", "a\\"] {
            assert!(templates.render("a", &BTreeMap::from([("v", bad)])).is_err(), "{bad:?} was accepted");
        }
    }
}
