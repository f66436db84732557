# The program `incidentfox`, all roles. Build from the repository's root:
#   docker build -f build/incidentfox.Dockerfile --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) -t REGISTRY/incidentfox:0.1.0 .
# Both arguments may name mirrors, with a digest, for builds without the internet.
ARG SDK=mcr.microsoft.com/dotnet/sdk:10.0-noble
ARG RUNTIME=mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled

FROM ${SDK} AS build
ARG SOURCE_DATE_EPOCH=0
ENV CI=true DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
WORKDIR /source
COPY .editorconfig global.json Directory.Build.props Directory.Packages.props ./
COPY eng/ eng/
COPY integrations/ integrations/
COPY src/ src/
COPY manifests/base/ manifests/base/
# Locked packages, no paths of this machine in the assemblies, one time on every file: the same commit gives the same layer.
RUN dotnet publish src/IncidentFox.Host -c Release -o /app -p:ContinuousIntegrationBuild=true -p:PathMap=/source=/_ -p:DebugType=none \
    && find /app -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

# Chiseled: no shell, no package manager. 1654 is its user `app`.
FROM ${RUNTIME}
COPY --from=build /app/ /app/
USER 1654:1654
WORKDIR /app
ENV DOTNET_EnableDiagnostics=0
ENTRYPOINT ["/app/incidentfox"]
