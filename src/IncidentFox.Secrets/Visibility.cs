using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("IncidentFox.Secrets.Tests")]
