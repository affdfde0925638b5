//! Prompts for common tasks.

use rmcp::model::{GetPromptResult, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::{Map, Value as Json};

/// A prompt: name, description, its argument, and the text around that.
struct Entry {
    name: &'static str,
    description: &'static str,
    argument: Option<(&'static str, &'static str)>,
    text: &'static str,
}

#[rustfmt::skip]
const PROMPTS: [Entry; 4] = [
    Entry { name: "explore_database", description: "Get to know the database", argument: None, text: "Look at this SQLite database: call list_tables, then describe_table for each table, and read a few rows of the important ones with execute_query (use LIMIT). Then say what the database is about, how the tables belong together, and what is striking." },
    Entry { name: "analyze_table", description: "Analyze the content of a table", argument: Some(("table", "The table")), text: "Analyze the table {}: its columns (describe_table), number of rows, missing values, the range and the most frequent values of each column, and outliers. Use aggregate queries with execute_query; do not read the whole table." },
    Entry { name: "answer_question", description: "Answer a question with SQL", argument: Some(("question", "The question")), text: "Answer this question about the database: {}\nLook at the schema first (list_tables, describe_table), write one SELECT in the SQL of SQLite, run it with execute_query, and check that the result makes sense. Give the answer and the query." },
    Entry { name: "speed_up_query", description: "Find out why a query is slow", argument: Some(("query", "The query")), text: "Find out why this query is slow: {}\nShow its plan with explain_query. Say which steps scan whole tables or sort, which index would help (as a CREATE INDEX statement), and how the plan would change. Create nothing without being asked." },
];

/// All prompts.
pub fn list() -> Vec<Prompt> {
    PROMPTS
        .iter()
        .map(|entry| {
            let arguments = entry
                .argument
                .map(|(name, text)| vec![PromptArgument::new(name).with_description(text).with_required(true)]);
            Prompt::new(entry.name, Some(entry.description), arguments)
        })
        .collect()
}

/// A prompt with its argument filled in; `None` where there is none of this name.
pub fn get(name: &str, arguments: &Map<String, Json>) -> Option<Result<GetPromptResult, String>> {
    let entry = PROMPTS.iter().find(|entry| entry.name == name)?;
    let text = match entry.argument {
        None => entry.text.to_owned(),
        Some((argument, _)) => match arguments.get(argument).and_then(Json::as_str) {
            Some(value) => entry.text.replace("{}", value),
            None => return Some(Err(format!("Invalid params: missing argument {argument}"))),
        },
    };
    let result = GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]);
    Some(Ok(result.with_description(entry.description)))
}
