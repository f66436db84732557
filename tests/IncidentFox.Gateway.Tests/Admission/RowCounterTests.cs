using System.Text;
using IncidentFox.Gateway.Admission;
using Xunit;

namespace IncidentFox.Gateway.Tests.Admission;

public sealed class RowCounterTests
{
    [Theory]
    [InlineData("/items", """{"kind":"List","metadata":{"items":[1,2,3]},"items":[{"items":[9]},{},[1,2],"x",null]}""", 5)]
    [InlineData("/items", """{"items":[]}""", 0)]
    [InlineData("/items", """{"items":null}""", null)]
    [InlineData("/items", """{"other":[1]}""", null)]
    [InlineData("/data/result", """{"result":[1],"data":{"a":{"result":[1,2,3]},"result":[1,2]}}""", 2)]
    [InlineData("/data/result", """{"data":[{"result":[1]}]}""", null)]
    [InlineData("", """[1,[2],{"a":3}]""", 3)]
    [InlineData("", """{"a":[1]}""", null)]
    [InlineData("/a~1b", """{"a/b":[1,2]}""", 2)]
    [InlineData("/items", """{"items":[1,2""", null)]
    [InlineData("/items", "not json", null)]
    [InlineData("/result/results", "{\"queryId\":1}\n{\"result\":{\"results\":[1,2]}}\n{\"result\":{\"results\":[{\"results\":[9]}]}}\n", 3)]
    [InlineData("/items", "{\"items\":[1]} rest", null)]
    [InlineData("/tables/0/rows", """{"tables":[{"name":"a","rows":[[1,[9]],[2]]},{"rows":[1,2,3]}]}""", 2)]
    [InlineData("/tables/1/rows", """{"tables":[{"rows":[1]},{"rows":[1,2,3]}]}""", 3)]
    [InlineData("/tables/2/rows", """{"tables":[{"rows":[1]},{"rows":[1,2,3]}]}""", null)]
    [InlineData("/tables/01/rows", """{"tables":[{"rows":[1]},{"rows":[1,2,3]}]}""", null)]
    [InlineData("/0/1", """[[0,[1,2],3],[4,[5]]]""", 2)]
    [InlineData("/a/b", """{"a":{"c":{"b":[1]},"b":[1,2]},"b":[1]}""", 2)]
    [InlineData("/set/item", "<?xml version=\"1.0\"?>\n<R a=\"<item>\"><id>1</id><set><item><set><item/></set></item><item k='>'/><!-- <item> --><![CDATA[<item>]]></set><item/></R>\n", 2)]
    [InlineData("/set/item/inner/x", "<R><set><item><inner><x/><x/></inner></item><item><inner><x>1</x></inner></item></set></R>", 3)]
    [InlineData("/set/item", "<R><set/></R>", 0)]
    [InlineData("/set/item", "<R><other><item/></other></R>", null)]
    [InlineData("/set/item", "<R><set><item/>", null)]
    [InlineData("/set/item", "<!DOCTYPE R [<!ENTITY a 'b'>]><R><set><item/></set></R>", null)]
    [InlineData("/set/item", "<R><set></set></R><R><set><item/></set></R>", null)]
    [InlineData("/set/item", "</R>", null)]
    [InlineData("", "<R><item/></R>", null)]
    [InlineData("lines", "a\nb\nc", 3)]
    [InlineData("lines", "a\nb\n", 2)]
    [InlineData("lines", "", 0)]
    [InlineData(null, "[]", null)]
    public void Rows_are_counted_however_the_answer_is_cut_up(string? pointer, string text, int? expected)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var size = 1; size <= Math.Max(1, bytes.Length); size++)
        {
            var counter = new RowCounter(pointer);
            foreach (var piece in bytes.Chunk(size))
                counter.Add(piece);
            counter.Add([], last: true);
            Assert.Equal(expected, counter.Rows);
        }
    }

    [Fact]
    public void A_text_without_an_end_is_given_up_on()
    {
        var counter = new RowCounter("/items");
        counter.Add("{\"a\":\""u8);
        for (var i = 0; i < 40; i++)
            counter.Add(new string('x', 64 * 1024).Select(c => (byte)c).ToArray());
        Assert.Null(counter.Rows);
    }
}
