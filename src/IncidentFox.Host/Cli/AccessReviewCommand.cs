using System.CommandLine;
using IncidentFox.Core;
using IncidentFox.Core.Identity;

namespace IncidentFox.Host.Cli;

/// <summary><c>incidentfox access-review</c>: who can do what, and when they last used the product.</summary>
public static class AccessReviewCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Option<FileInfo?> config)
    {
        var team = new Option<string?>("--team") { Description = "Only this team, with what comes from the organization." };
        var csv = new Option<bool>("--csv") { Description = "CSV with a header, for spreadsheets." };
        var command = new Command("access-review", "Prints who can do what, where it comes from, and when they last used the product.") { team, csv };
        command.SetAction(async (parse, ct) =>
        {
            await using var access = await RolesAccess.OpenAsync(parse.GetValue(config), ct);
            if (access is null)
                return 2;
            var lines = await new AccessReview(access.Database).ReadAsync(access.Org, parse.GetValue(team) is { } t ? new TeamId(t) : null, ct);
            if (parse.GetValue(csv))
            {
                Console.Write(AccessReview.Csv(lines));
                return 0;
            }
            foreach (var line in lines)
            {
                Console.WriteLine(Inert.Text(
                    $"{line.Name} ({line.Email ?? line.Identities})  {line.Role.Name()} in {line.Team?.Value ?? "the organization"}  by {line.Source} {line.GrantedBy}  last used {(line.LastUsedAt is { } u ? $"{u:yyyy-MM-dd HH:mm}Z" : "never")}  may {string.Join(' ', AccessReview.PermissionsOf(line.Role))}"));
            }
            return 0;
        });
        return command;
    }
}
