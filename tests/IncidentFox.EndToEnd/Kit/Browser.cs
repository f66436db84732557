using IncidentFox.Workbench.Stack;
using Microsoft.Playwright;

namespace IncidentFox.EndToEnd.Kit;

/// <summary>The workspace's page in this machine's Chromium, without a window.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;
    private readonly List<Uri> _requests = [];
    private readonly List<string> _errors = [];

    private Browser(IPlaywright playwright, IBrowser browser, IPage page)
    {
        (_playwright, _browser, Page) = (playwright, browser, page);
        page.Request += (_, request) => _requests.Add(new Uri(request.Url));
        page.PageError += (_, error) => _errors.Add(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
                _errors.Add(message.Text);
        };
        page.SetDefaultTimeout(40_000);
        Assertions.SetDefaultExpectTimeout(40_000);
    }

    public IPage Page { get; }

    /// <summary>Every request that the page made.</summary>
    public IReadOnlyList<Uri> Requests => _requests;

    /// <summary>What went wrong in the page, refusals by its content security policy included.</summary>
    public IReadOnlyList<string> Errors => _errors;

    public static async Task<Browser> OpenAsync(Uri url)
    {
        var playwright = await Playwright.CreateAsync();
        // Chromium's own sandbox can't work as root, and no name but this machine's resolves.
        var chromium = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = "/usr/bin/chromium",
            Args = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        });
        var page = await chromium.NewPageAsync(new() { ViewportSize = new() { Width = 1120, Height = 900 }, DeviceScaleFactor = 1 });
        var browser = new Browser(playwright, chromium, page);
        await page.GotoAsync(url.AbsoluteUri);
        return browser;
    }

    /// <summary>Writes <c>artifacts/screenshots/{name}.png</c>: one element, or the whole page.</summary>
    public async Task ShootAsync(ILocator? element, string name)
    {
        var path = Path.Combine(Installed.Repository, "artifacts", "screenshots", $"{name}.png");
        // Pointers and tool bars that follow them are no part of the picture.
        await Page.Mouse.MoveAsync(0, 0);
        if (element is null)
        {
            await Page.ScreenshotAsync(new() { Path = path, Animations = ScreenshotAnimations.Disabled });
            return;
        }
        // A message that grows is drawn anew: its element may be gone before the picture is taken.
        for (var again = 10; ; again--)
        {
            try
            {
                await element.ScreenshotAsync(new() { Path = path, Animations = ScreenshotAnimations.Disabled });
                return;
            }
            catch (PlaywrightException e) when (again > 0 && e.Message.Contains("not attached", StringComparison.Ordinal))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }
}
