"""What the local tagger compares an activity with: sentences that stand for a value of the vocabulary."""

from collections.abc import Mapping

PROTOTYPES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "categories": {
        "playground_park": ("A playground with swings, slides and climbing frames", "A city park with a big lawn where children play"),
        "hiking_nature": ("A guided walk in the woods to discover wildlife and plants", "Nature trail, hiking and bird watching for families", "Pond dipping and bug hunt in a nature reserve"),
        "water_play_beach": ("Swimming pool, splash park and water slides", "A day at the beach by the sea", "Family swim session, paddling and boat trip on a lake"),
        "zoo_aquarium_farm": ("A zoo or aquarium with animals to see and feed", "A farm visit: feed the lambs, meet the goats and ponies"),
        "museum_science": ("A museum exhibition for families", "Hands-on science centre with experiments, planetarium and dinosaurs", "History and archaeology in a museum, castle or gallery"),
        "arts_crafts": ("Arts and crafts workshop: painting, drawing, clay and paper", "Make your own pottery, collage or decoration to take home"),
        "library_story": ("Story time with picture books and rhymes at the library", "Reading hour, books and storytelling for toddlers", "Baby bounce and rhyme time with nursery songs"),
        "music_theater_show": ("A children's theatre show or puppet play on stage", "Family concert, musical, choir or orchestra", "Film screening for children in the cinema", "Circus, magic and comedy show"),
        "sports_active": ("Football, gymnastics, athletics or climbing for children", "Sports session: tennis, cycling, skating, martial arts, dance", "Yoga and fitness class for families"),
        "indoor_play": ("Soft play centre with ball pit and slides indoors", "Stay and play group for babies and toddlers with toys", "Trampoline park and bouncy castle hall"),
        "amusement_attraction": ("Theme park with rides and roller coasters", "Fun fair, mini golf, escape room or laser tag", "Steam train rides and tourist attraction"),
        "festival_event": ("A festival in town with stalls, music and parade", "Street party and carnival with fireworks", "Lantern walk, open day or community fair"),
        "class_workshop": ("A course with weekly lessons for children", "Coding, robotics, cooking or language workshop for kids", "A parenting class or first aid course"),
        "camp": ("Holiday camp and summer camp for children, whole days", "School holiday club with childcare during the week"),
        "food_market": ("Farmers' market with food stalls", "Street food, tasting, picnic and baking event", "Christmas market or flea market with stalls"),
        "tour_sightseeing": ("Guided tour of the old town and its sights", "Boat or bus tour with a guide, treasure hunt through the city"),
        "community_holiday": ("Christmas, Easter or Halloween celebration for families", "Meet Santa in his grotto; Easter egg hunt; St Martin's procession", "Community meeting and neighbourhood get-together"),
    },
    "setting": {
        "indoor": ("Held indoors in a hall, library, museum, theatre or room", "Inside a building, at the community centre"),
        "outdoor": ("Held outdoors in a park, wood, garden, farm or on the beach", "Outside in the open air, dress for the weather"),
    },
    "energy_level": {
        "calm": ("Calm and quiet: listen to stories, watch a film, look at pictures", "Sit down, draw and read quietly"),
        "moderate": ("Walk around, explore and try things out by hand", "Make and build something, visit an exhibition"),
        "active": ("Run, jump, climb, swim and dance", "Very active: sports, cycling, trampolines and games"),
    },
}  # fmt: skip
"""By field and value. English, as the model that embeds them is; a text of another language is compared all the same, and named less often."""
