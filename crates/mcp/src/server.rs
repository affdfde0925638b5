//! The protocol: what `rmcp` asks, answered by the session.

use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelledNotificationParam, ContentBlock, ErrorCode,
    GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt};
use serde_json::{Map, Value as Json, json};
use turso_core::Connection;

use crate::session::Session;
use crate::{prompts, resources, tools};

/// Serve over standard input and output until the client goes away.
pub async fn run(session: Session) -> Result<(), String> {
    let service = Server::new(session).serve(rmcp::transport::stdio()).await.map_err(|error| error.to_string())?;
    service.waiting().await.map_err(|error| error.to_string())?;
    Ok(())
}

/// A session behind the protocol.
struct Server {
    session: Arc<Mutex<Session>>,
    /// What a cancelled call interrupts.
    running: Arc<Mutex<Connection>>,
}

impl Server {
    fn new(session: Session) -> Self {
        let running = Arc::new(Mutex::new(session.connection().clone()));
        Self { session: Arc::new(Mutex::new(session)), running }
    }

    /// Do something with the session where it may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> T + Send + 'static,
    ) -> Result<T, ErrorData> {
        let (session, running) = (self.session.clone(), self.running.clone());
        let done = tokio::task::spawn_blocking(move || {
            let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
            let result = work(&mut session);
            // `open_database` may have changed it.
            *running.lock().unwrap_or_else(PoisonError::into_inner) = session.connection().clone();
            result
        });
        done.await.map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }
}

fn described(tool: &'static tools::Tool) -> Tool {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, kind, description, needed) in tool.arguments {
        let mut property = json!({ "description": description });
        property["type"] = match *kind {
            "any" => json!(["array", "object"]),
            kind => json!(kind),
        };
        properties.insert((*name).to_owned(), property);
        if *needed {
            required.push(*name);
        }
    }
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    let schema = schema.as_object().cloned().unwrap_or_default();
    let hints = ToolAnnotations::new()
        .read_only(tool.hints.read_only)
        .destructive(tool.hints.destructive)
        .idempotent(tool.hints.idempotent)
        .open_world(false);
    Tool::new(tool.name, tool.description, Arc::new(schema)).with_annotations(hints)
}

fn failed(message: String) -> ErrorData {
    ErrorData::internal_error(message, None)
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new("turso-mcp", "1.0.0")).with_instructions(
            "An SQLite database. Look at the schema with list_tables and describe_table, read with execute_query \
                 (one SELECT per call), change with the other tools. Long results are cut off and say so.",
        )
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.with(|session| tools::offered(session).map(described).collect()).await?;
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.to_string();
        let arguments = request.arguments.unwrap_or_default();
        let called = name.clone();
        let outcome = self.with(move |session| tools::call(session, &called, &arguments)).await?;
        let Some(outcome) = outcome else {
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, format!("Unknown tool: {name}"), None));
        };
        let content = vec![ContentBlock::text(outcome.text)];
        let mut result =
            if outcome.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
        result.structured_content = outcome.structured;
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resources = self.with(|session| resources::list(session)).await?.map_err(failed)?;
        Ok(ListResourcesResult::with_all_items(resources))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.clone();
        let contents = self.with(move |session| resources::read(session, &uri)).await?.map_err(failed)?;
        match contents {
            Some(contents) => Ok(ReadResourceResult::new(vec![contents]).into()),
            None => Err(ErrorData::resource_not_found(format!("Resource not found: {}", request.uri), None)),
        }
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompts::list()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments: Map<String, Json> = request.arguments.unwrap_or_default();
        match prompts::get(&request.name, &arguments) {
            Some(Ok(result)) => Ok(result.into()),
            Some(Err(message)) => Err(ErrorData::invalid_params(message, None)),
            None => Err(ErrorData::invalid_params(format!("Invalid params: no prompt {}", request.name), None)),
        }
    }

    async fn on_cancelled(&self, _: CancelledNotificationParam, _: NotificationContext<RoleServer>) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).interrupt();
    }
}
