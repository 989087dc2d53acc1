//! Pictures of how labels move, drawn from the decisions of the domain.

use std::fmt::Write;

use sesame::testing::domain::writes::{self, MoveStage, NewSecret, PutVersion};
use sesame::testing::domain::{DataType, Limits, Scope, Secret, SecretType, Tags, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// One step of a story: the request, as a reader would write it.
enum Step {
    Create(&'static str),
    Put(&'static str, &'static [&'static str]),
    /// Label, from, to.
    Move(&'static str, Option<&'static str>, Option<&'static str>),
}

impl Step {
    fn title(&self) -> String {
        match self {
            Self::Create(version) => format!("create {version}"),
            Self::Put(version, []) => format!("put {version}"),
            Self::Put(version, stages) => format!("put {version} as {}", stages.join(", ")),
            Self::Move(label, None, Some(to)) => format!("move {label} to {to}"),
            Self::Move(label, Some(from), Some(to)) => format!("move {label}: {from} to {to}"),
            Self::Move(label, Some(from), None) => format!("take {label} off {from}"),
            Self::Move(label, None, None) => format!("leave {label}"),
        }
    }

    /// The secret after this step, as the domain decides.
    fn done_to(&self, before: Option<&Secret>) -> Secret {
        match (self, before) {
            (Self::Create(version), _) => {
                writes::create(new_secret(version), NOW).unwrap().created().unwrap()
            }
            (Self::Put(version, stages), Some(secret)) => {
                let put = PutVersion {
                    version: version.parse().unwrap(),
                    data_type: DataType::Text,
                    stages: stages.iter().map(|stage| stage.parse().unwrap()).collect(),
                    same_value: None,
                };
                let change = writes::put_version(secret, put, &Limits::default(), NOW).unwrap();
                secret.after(&change.unwrap()).unwrap()
            }
            (Self::Move(label, from, to), Some(secret)) => {
                let command = MoveStage {
                    label: label.parse().unwrap(),
                    remove_from: from.map(|version| version.parse().unwrap()),
                    move_to: to.map(|version| version.parse().unwrap()),
                };
                let change = writes::move_stage(secret, &command, &Limits::default(), NOW).unwrap();
                secret.after(&change.unwrap()).unwrap()
            }
            (_, None) => panic!("a story begins with a creation"),
        }
    }
}

fn new_secret(version: &str) -> NewSecret {
    NewSecret {
        id: "id-1".parse().unwrap(),
        scope: Scope { account: "1".parse().unwrap(), region: "cn-hangzhou".parse().unwrap() },
        name: "s".parse().unwrap(),
        description: String::new(),
        encryption_key: None,
        secret_type: SecretType::Generic,
        version: version.parse().unwrap(),
        previous: None,
        data_type: DataType::Text,
        tags: Tags::default(),
        policy: None,
        managed: None,
    }
}

const COLUMN: usize = 220;
const ROW: usize = 64;

/// Columns are steps, rows are versions, pills are the labels that they carry after the step.
fn picture(title: &str, story: &[Step]) -> String {
    let mut states: Vec<Secret> = Vec::new();
    for step in story {
        let next = step.done_to(states.last());
        states.push(next);
    }
    let mut ids: Vec<String> = Vec::new();
    for version in states.iter().flat_map(|state| &state.versions) {
        if !ids.iter().any(|id| id == version.id.as_str()) {
            ids.push(version.id.as_str().to_owned());
        }
    }
    let (width, height) = (story.len() * COLUMN + 10, ids.len() * ROW + 44);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" font-family=\"sans-serif\" font-size=\"12\">\n<title>{title}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (column, (step, state)) in story.iter().zip(&states).enumerate() {
        let x = column * COLUMN + 10;
        let heading = format!("{}. {}", column + 1, step.title());
        writeln!(svg, "<text x=\"{x}\" y=\"22\" font-weight=\"bold\" fill=\"#222\">{heading}</text>")
            .unwrap();
        for (row, id) in ids.iter().enumerate() {
            if state.versions.iter().any(|version| version.id.as_str() == id) {
                draw_version(&mut svg, x, row * ROW + 36, id, state);
            }
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_version(svg: &mut String, x: usize, y: usize, id: &str, state: &Secret) {
    let labels: Vec<String> = state
        .stages
        .iter()
        .filter(|(_, version)| version.as_str() == id)
        .map(|(label, _)| label.to_string())
        .collect();
    let dashes = if labels.is_empty() { " stroke-dasharray=\"4 3\"" } else { "" };
    let (wide, high) = (COLUMN - 16, ROW - 12);
    writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" rx=\"5\" fill=\"#f6f6f6\" stroke=\"#888\"{dashes}/>\n\
         <text x=\"{}\" y=\"{}\" fill=\"#222\">{id}</text>",
        x + 8,
        y + 17
    )
    .unwrap();
    let mut left = x + 8;
    for label in labels {
        let colour = match label.as_str() {
            "ACSCurrent" => "#1a7f4b",
            "ACSPrevious" => "#8a5a00",
            _ => "#2b5fa8",
        };
        let long = label.len() * 7 + 8;
        writeln!(
            svg,
            "<rect x=\"{left}\" y=\"{}\" width=\"{long}\" height=\"18\" rx=\"9\" fill=\"{colour}\"/>\n\
             <text x=\"{}\" y=\"{}\" fill=\"#fff\" font-size=\"11\">{label}</text>",
            y + 26,
            left + 6,
            y + 39
        )
        .unwrap();
        left += long + 4;
    }
}

#[test]
fn the_pictures_of_label_moves_are_what_the_domain_decides() {
    use Step::{Create, Move, Put};
    let put = [Create("v1"), Put("v2", &["ACSCurrent"]), Put("v3", &["ACSCurrent"])];
    super::compare(
        "img/put.svg",
        &picture("A put makes its version current; the one before becomes previous", &put),
    );
    let staged = [
        Create("v1"),
        Put("v2", &["Next"]),
        Move("ACSCurrent", Some("v1"), Some("v2")),
        Move("Next", Some("v2"), None),
    ];
    super::compare(
        "img/promote.svg",
        &picture("A version is stored beside the current one, then promoted", &staged),
    );
    let back = [Create("v1"), Put("v2", &["ACSCurrent"]), Move("ACSCurrent", Some("v2"), Some("v1"))];
    super::compare("img/back.svg", &picture("Going back to the version before", &back));
}
