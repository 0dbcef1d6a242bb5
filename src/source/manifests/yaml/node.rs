//! A node of a document, with everything below it.

use serde_json::{Map, Value};

use super::{YamlProblem, scalar::YamlScalar};

/// The content of a node.
#[derive(Clone)]
pub(super) enum NodeContent {
    Scalar(YamlScalar),
    List(Vec<Value>),
    Map(Map<String, Value>),
}

impl NodeContent {
    pub(super) fn into_value(self) -> Result<Value, YamlProblem> {
        match self {
            Self::Scalar(scalar) => scalar.into_value(),
            Self::List(items) => Ok(Value::Array(items)),
            Self::Map(fields) => Ok(Value::Object(fields)),
        }
    }
}

/// A node with everything below it.
#[derive(Clone)]
pub(super) struct YamlNode {
    pub(super) content: NodeContent,
    /// The number of nodes, with those of aliases.
    pub(super) nodes: usize,
    /// The approximate size in memory.
    pub(super) bytes: usize,
    pub(super) is_alias: bool,
}

impl YamlNode {
    pub(super) fn new(content: NodeContent, bytes: usize) -> Self {
        Self { content, nodes: 1, bytes, is_alias: false }
    }

    pub(super) fn add(&mut self, child: &Self) {
        self.nodes += child.nodes;
        self.bytes += child.bytes;
    }
}

/// Merges a map or a list of maps into a map. Fields before the merge key lose against it, and
/// earlier maps of a list win, as in go-yaml.
pub(super) fn merge_yaml_maps(
    merged: YamlNode,
    into: &mut Map<String, Value>,
) -> Result<(), YamlProblem> {
    let maps = match merged.content {
        NodeContent::Map(fields) => vec![Value::Object(fields)],
        NodeContent::List(maps) if !merged.is_alias => maps,
        NodeContent::List(_) | NodeContent::Scalar(_) => Vec::from([Value::Null]),
    };
    for map in maps.into_iter().rev() {
        let Value::Object(fields) = map else {
            return Err(YamlProblem::MergeOfOther);
        };
        into.extend(fields);
    }
    Ok(())
}
