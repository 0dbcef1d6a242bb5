//! Reads a YAML document as kubectl does. Kubernetes' library is a port of libyaml, and so is the
//! parser used here; the meaning of scalars, tags, merge keys and aliases is determined here.
//!
//! Depth and the copies that aliases make are bounded.

mod budget;
mod locate;
mod node;
mod problem;
mod scalar;

use std::{
    collections::{HashMap, HashSet},
    io::{BufReader, Chain, Read},
    panic::{AssertUnwindSafe, catch_unwind},
};

use libyaml_safer::{Event, EventData, Mark, Parser};
use serde_json::{Map, Value};

use budget::CopyBudget;
use locate::FieldLines;
pub(super) use locate::{YamlPathStep, field_line, field_lines};
use node::{NodeContent, YamlNode, merge_yaml_maps};
pub(super) use problem::YamlProblem;
use scalar::YamlScalar;
pub(super) use scalar::{is_plain_text, json_number};

/// Maximum depth of a document.
const MAX_DEPTH: usize = 200;
const READ_BUFFER_BYTES: usize = 4096;
const MERGE_TAG: &str = "tag:yaml.org,2002:merge";

/// A document that was read.
#[derive(Debug)]
pub(super) struct YamlDocument {
    pub(super) value: Value,
    /// Keys that a map contains twice, with their lines. The last one is used.
    pub(super) duplicates: Vec<(String, usize)>,
    /// The line of text after the end of the document, which is not read.
    pub(super) ignored_from: Option<usize>,
}

/// A document that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub(in crate::source) struct YamlError {
    /// The line within the document, counted from 1.
    pub(super) line: usize,
    pub(super) problem: YamlProblem,
}

/// Reads the first document of a text.
pub(super) fn read_yaml(text: &str) -> Result<YamlDocument, YamlError> {
    guarded(|| Reader::new(text, None).document())
}

/// Runs a reader. The parser panics on some invalid texts, which is an error like any other.
fn guarded<T>(run: impl FnOnce() -> Result<T, YamlError>) -> Result<T, YamlError> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or(Err(YamlError { line: 1, problem: YamlProblem::ParserPanicked }))
}

struct Reader<'t> {
    parser: Parser<BufReader<Chain<&'t [u8], &'static [u8]>>>,
    anchors: HashMap<String, YamlNode>,
    budget: CopyBudget,
    depth: usize,
    duplicates: Vec<(String, usize)>,
    field_lines: Option<FieldLines>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, field_lines: Option<FieldLines>) -> Self {
        let mut parser = Parser::new();
        let line_break: &[u8] = if text.ends_with('\n') { b"" } else { b"\n" };
        let input = text.as_bytes().chain(line_break);
        parser.set_input(BufReader::with_capacity(READ_BUFFER_BYTES, input));
        Self {
            parser,
            anchors: HashMap::new(),
            budget: CopyBudget::default(),
            depth: 0,
            duplicates: Vec::new(),
            field_lines,
        }
    }

    fn next(&mut self) -> Result<Event, YamlError> {
        self.parser.parse().map_err(|error| {
            let message = match error.context().filter(|context| !context.is_empty()) {
                Some(context) => format!("{} ({context})", error.problem()),
                None => error.problem().to_owned(),
            };
            failure(error.problem_mark().unwrap_or_default(), YamlProblem::Syntax(message))
        })
    }

    fn document(&mut self) -> Result<YamlDocument, YamlError> {
        let nothing =
            YamlDocument { value: Value::Null, duplicates: Vec::new(), ignored_from: None };
        loop {
            let event = self.next()?;
            match event.data {
                EventData::StreamStart { .. } | EventData::DocumentStart { .. } => {}
                EventData::StreamEnd => return Ok(nothing),
                _ => {
                    let mark = event.start_mark;
                    let root = self.node(event)?.content.into_value();
                    let value = root.map_err(|problem| failure(mark, problem))?;
                    self.next()?; // the end of the document
                    let duplicates = std::mem::take(&mut self.duplicates);
                    return Ok(YamlDocument { value, duplicates, ignored_from: self.rest() });
                }
            }
        }
    }

    /// The line of what follows the document.
    fn rest(&mut self) -> Option<usize> {
        match self.next() {
            Ok(event) if event.data == EventData::StreamEnd => None,
            Ok(event) => Some(line(event.start_mark)),
            Err(error) => Some(error.line),
        }
    }

    /// Reads the node that begins with an event.
    fn node(&mut self, event: Event) -> Result<YamlNode, YamlError> {
        let mark = event.start_mark;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(failure(mark, YamlProblem::TooDeep));
        }
        self.budget.count(1).map_err(|problem| failure(mark, problem))?;
        let (anchor, node) = match event.data {
            EventData::Alias { anchor } => (None, self.alias(&anchor, mark)?),
            EventData::Scalar { anchor, tag, value, plain_implicit, .. } => {
                let scalar = YamlScalar::read(tag.as_deref(), value, plain_implicit)
                    .map_err(|problem| failure(mark, problem))?;
                let bytes = scalar.len();
                (anchor, YamlNode::new(NodeContent::Scalar(scalar), bytes))
            }
            EventData::SequenceStart { anchor, .. } => {
                self.forget(anchor.as_ref());
                (anchor, self.list()?)
            }
            EventData::MappingStart { anchor, .. } => {
                self.forget(anchor.as_ref());
                (anchor, self.map()?)
            }
            _ => return Err(failure(mark, YamlProblem::ValueExpected)),
        };
        if let Some(anchor) = anchor {
            self.budget.copy(&node).map_err(|problem| failure(mark, problem))?;
            self.anchors.insert(anchor, node.clone());
        }
        self.depth -= 1;
        Ok(node)
    }

    /// An alias within its own anchor never finds an earlier anchor of the same name.
    fn forget(&mut self, anchor: Option<&String>) {
        if let Some(anchor) = anchor {
            self.anchors.remove(anchor);
        }
    }

    fn alias(&mut self, anchor: &str, mark: Mark) -> Result<YamlNode, YamlError> {
        let Some(node) = self.anchors.get(anchor) else {
            return Err(failure(mark, YamlProblem::UnknownAnchor(anchor.to_owned())));
        };
        self.budget.expand(node).map_err(|problem| failure(mark, problem))?;
        Ok(YamlNode { is_alias: true, ..node.clone() })
    }

    fn list(&mut self) -> Result<YamlNode, YamlError> {
        let mut node = YamlNode::new(NodeContent::List(Vec::new()), 0);
        let mut items = Vec::new();
        loop {
            let event = self.next()?;
            if event.data == EventData::SequenceEnd {
                return Ok(YamlNode { content: NodeContent::List(items), ..node });
            }
            let mark = event.start_mark;
            self.enter(|| YamlPathStep::Index(items.len()), mark);
            let item = self.node(event)?;
            self.leave();
            node.add(&item);
            items.push(item.content.into_value().map_err(|problem| failure(mark, problem))?);
        }
    }

    fn map(&mut self) -> Result<YamlNode, YamlError> {
        let mut node = YamlNode::new(NodeContent::Map(Map::new()), 0);
        let mut fields = Map::new();
        // Keys that the map itself contains, not one that is merged into it.
        let mut own = HashSet::new();
        loop {
            let event = self.next()?;
            if event.data == EventData::MappingEnd {
                return Ok(YamlNode { content: NodeContent::Map(fields), ..node });
            }
            let mark = event.start_mark;
            if is_merge(&event.data) {
                let event = self.next()?;
                let merged = self.node(event)?;
                node.add(&merged);
                merge_yaml_maps(merged, &mut fields).map_err(|problem| failure(mark, problem))?;
                continue;
            }
            let key = self.node(event)?;
            node.add(&key);
            let key = match key.content {
                NodeContent::Scalar(scalar) => scalar.into_key(),
                NodeContent::List(_) | NodeContent::Map(_) => Err(YamlProblem::CompoundKey),
            };
            let key = key.map_err(|problem| failure(mark, problem))?;
            self.enter(|| YamlPathStep::Key(key.clone()), mark);
            let event = self.next()?;
            let value = self.node(event)?;
            self.leave();
            node.add(&value);
            if !own.insert(key.clone()) {
                self.duplicates.push((key.clone(), line(mark)));
            }
            let value = value.content.into_value().map_err(|problem| failure(mark, problem))?;
            fields.insert(key, value);
        }
    }

    fn enter(&mut self, step: impl FnOnce() -> YamlPathStep, mark: Mark) {
        if let Some(field_lines) = &mut self.field_lines {
            field_lines.enter(step(), line(mark));
        }
    }

    fn leave(&mut self) {
        if let Some(field_lines) = &mut self.field_lines {
            field_lines.leave();
        }
    }
}

fn is_merge(key: &EventData) -> bool {
    matches!(key, EventData::Scalar { value, tag, plain_implicit, .. }
        if value == "<<" && (*plain_implicit || tag.as_deref() == Some(MERGE_TAG)))
}

fn line(mark: Mark) -> usize {
    usize::try_from(mark.line).unwrap_or(usize::MAX).saturating_add(1)
}

fn failure(mark: Mark, problem: YamlProblem) -> YamlError {
    YamlError { line: line(mark), problem }
}

#[cfg(test)]
mod tests;
