# The program in the sandbox: one static file on nothing. Build from the repository's root:
#   docker build -f build/incidentfox-agent.Dockerfile --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) -t REGISTRY/incidentfox-agent:0.1.0 .
ARG SDK=mcr.microsoft.com/dotnet/sdk:10.0-noble

FROM ${SDK} AS build
ARG SOURCE_DATE_EPOCH=0
ENV CI=true DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
RUN apt-get update && apt-get install -y --no-install-recommends cmake gcc libc6-dev libssl-dev zlib1g-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY .editorconfig global.json Directory.Build.props Directory.Packages.props ./
COPY eng/ eng/
COPY src/ src/
# Static and at a fixed address (both are in the project file): with Debian's and Ubuntu's gcc a static program at a random address does not link.
RUN dotnet publish src/IncidentFox.Agent -c Release -r linux-x64 -o /agent -p:ContinuousIntegrationBuild=true -p:PathMap=/source=/_ -p:DebugType=none \
    && touch --date="@${SOURCE_DATE_EPOCH}" /agent/incidentfox-agent

FROM scratch
COPY --from=build /agent/incidentfox-agent /incidentfox-agent
USER 65532:65532
ENTRYPOINT ["/incidentfox-agent"]
